//! A web server for a directory, in the test's own process: it writes down what is asked for, answers
//! conditional requests, and fails as it is told to. Knows nothing of Debian.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// What goes wrong with files whose paths end in certain words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 404.
    NotFound,
    /// 500.
    Broken,
    /// As long as it should be, but with another first byte.
    Corrupt,
    /// The half of it, as if that were all.
    Truncate,
    /// The half of it, and then the connection ends.
    HangUp,
    /// The head of the answer and not a byte more.
    Stall,
}

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// From the slash on.
    pub(crate) path: String,
    /// Whether only something newer was wanted.
    pub(crate) conditional: bool,
    pub(crate) status: u16,
}

/// Serves until it is dropped.
pub(crate) struct Server {
    shared: Arc<Shared>,
    port: u16,
    listener: Option<JoinHandle<()>>,
}

struct Shared {
    root: PathBuf,
    ended: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    faults: Vec<(String, Fault)>,
    connections: Vec<TcpStream>,
    threads: Vec<JoinHandle<()>>,
    stalled: usize,
}

impl Server {
    pub(crate) fn start(root: &Path) -> Self {
        let socket = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            ended: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let theirs = Arc::clone(&shared);
        let listener = thread::spawn(move || listen(&socket, &theirs));
        Self { shared, port, listener: Some(listener) }
    }

    /// What stands for the directory.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on, files whose paths end so are served wrongly; the first fault that fits counts.
    pub(crate) fn break_files(&self, ending: &str, fault: Fault) {
        self.shared.state().faults.push((ending.to_owned(), fault));
    }

    /// From now on, all files are served as they are.
    pub(crate) fn mend(&self) {
        self.shared.state().faults.clear();
    }

    /// All requests since the start or the last call of this.
    pub(crate) fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.shared.state().requests)
    }

    /// Waits until somebody waits for an answer that will not come.
    pub(crate) fn wait_for_stall(&self) {
        let state = self.shared.state();
        let limit = Duration::from_secs(600);
        let waited =
            self.shared.changed.wait_timeout_while(state, limit, |state| state.stalled == 0);
        assert!(!waited.unwrap().1.timed_out(), "nobody asked for a file that stalls");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        let (connections, threads) = {
            let mut state = self.shared.state();
            (std::mem::take(&mut state.connections), std::mem::take(&mut state.threads))
        };
        for connection in connections {
            let _ = connection.shutdown(Shutdown::Both);
        }
        for thread in threads {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault_of(&self, path: &str) -> Option<Fault> {
        let state = self.state();
        state.faults.iter().find(|(ending, _)| path.ends_with(&**ending)).map(|&(_, fault)| fault)
    }

    /// Answers one request; whether the connection goes on.
    fn answer(
        &self,
        request: &mut Request,
        since: Option<&str>,
        out: &mut TcpStream,
    ) -> io::Result<bool> {
        let fault = self.fault_of(&request.path);
        let path = self.root.join(request.path.trim_start_matches('/').replace("%2b", "+"));
        let found = fs::read(&path).and_then(|body| Ok((body, path.metadata()?.modified()?)));
        let (status, body, modified) = match (fault, found) {
            (Some(Fault::Broken), _) => (500, Vec::new(), None),
            (Some(Fault::NotFound), _) | (_, Err(_)) => (404, Vec::new(), None),
            (_, Ok((_, modified))) if since == Some(&*http_date(modified)) => {
                (304, Vec::new(), Some(modified))
            }
            (_, Ok((body, modified))) => (200, body, Some(modified)),
        };
        request.status = status;
        self.state().requests.push(request.clone());
        let half = body.len() / 2;
        let length = if fault == Some(Fault::Truncate) { half } else { body.len() };
        let modified = modified.map(|time| format!("Last-Modified: {}\r\n", http_date(time)));
        let head = format!(
            "HTTP/1.1 {status} Status\r\nContent-Length: {length}\r\n{}\r\n",
            modified.unwrap_or_default()
        );
        out.write_all(head.as_bytes())?;
        match fault.filter(|_| status == 200) {
            Some(Fault::Stall) => {
                out.flush()?;
                self.state().stalled += 1;
                self.changed.notify_all();
                // Ends when the other side gives up, or the server closes all connections.
                let _ = io::copy(&mut out.try_clone()?, &mut io::sink());
                return Ok(false);
            }
            Some(Fault::HangUp) => {
                out.write_all(&body[..half])?;
                return Ok(false);
            }
            Some(Fault::Corrupt) => {
                let mut body = body;
                if let Some(byte) = body.first_mut() {
                    *byte = byte.wrapping_add(1);
                }
                out.write_all(&body)?;
            }
            _ => out.write_all(&body[..length])?,
        }
        Ok(true)
    }
}

fn listen(socket: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((connection, _)) = socket.accept() {
        if shared.ended.load(Ordering::SeqCst) {
            return;
        }
        let theirs = Arc::clone(shared);
        let Ok(clone) = connection.try_clone() else { continue };
        let thread = thread::spawn(move || {
            // Whoever hangs up is done.
            let _ = serve(connection, &theirs);
        });
        let mut state = shared.state();
        state.connections.push(clone);
        state.threads.push(thread);
    }
}

/// One request after the other; apt sends several before the first answer.
fn serve(mut connection: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(connection.try_clone()?);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut since = None;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some(date) = line.strip_prefix("If-Modified-Since: ") {
                since = Some(date.to_owned());
            }
        }
        let path = first.split_whitespace().nth(1).unwrap_or_default().to_owned();
        let mut request = Request { path, conditional: since.is_some(), status: 0 };
        if !shared.answer(&mut request, since.as_deref(), &mut connection)? {
            return connection.shutdown(Shutdown::Both);
        }
    }
}

/// As in RFC 9110: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let weekday =
        ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][usize::try_from(days % 7).unwrap()];
    let (year, month, day) = civil(days);
    let month =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
            [usize::try_from(month - 1).unwrap()];
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

/// The date of a day after 1970-01-01; eras of 400 years that begin in March, as Howard Hinnant explains them.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}
