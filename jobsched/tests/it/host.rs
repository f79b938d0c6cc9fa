//! The programs around a scheduler that tests need: this test binary, started once more with the
//! name of a part in its environment, plays it in a process of its own.

use std::env;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use jobsched::report::Plain;
use jobsched::{Event, Jobs, Scheduler, command};
use nix::libc::{
    PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO,
    SYS_clone3, SYS_close_range, prctl, sock_filter, sock_fprog,
};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, raise, sigaction};
use nix::unistd::Pid;

use crate::harness::{host, status_of};

/// Names the part to play.
pub(crate) const PART: &str = "IT_PART";

const JOBS: &str = "IT_JOBS";
const GRACE: &str = "IT_GRACE";
const SLOTS: &str = "IT_SLOTS";
const LOGS: &str = "IT_LOGS";
const SHARE: &str = "IT_SHARE";
const QUIET: &str = "IT_QUIET";

/// Between jobs, and between a job's name and its script.
const SEPARATORS: [char; 2] = ['\u{1e}', '\u{1f}'];

/// A program that runs scripts as jobs, handles signals, inherits a jobserver, and says besides
/// `started NAME PID` and `finished NAME SECONDS`.
#[must_use]
pub(crate) struct Host {
    command: Command,
    jobs: String,
}

impl Host {
    pub(crate) fn new(directory: &Path) -> Self {
        let mut command = host("run");
        command.current_dir(directory);
        Self { command, jobs: String::new() }
    }

    /// Adds a job that is a script of the shell.
    pub(crate) fn sh(mut self, name: &str, script: &str) -> Self {
        let [job, part] = SEPARATORS;
        write!(self.jobs, "{job}{name}{part}{script}").unwrap();
        self
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn grace(self, seconds: f64) -> Self {
        self.set(GRACE, &seconds.to_string())
    }

    pub(crate) fn slots(self, slots: usize) -> Self {
        self.set(SLOTS, &slots.to_string())
    }

    pub(crate) fn logs(self, directory: &str) -> Self {
        self.set(LOGS, directory)
    }

    pub(crate) fn share(self) -> Self {
        self.set(SHARE, "")
    }

    pub(crate) fn quiet(self) -> Self {
        self.set(QUIET, "")
    }

    pub(crate) fn makeflags(self, value: &str) -> Self {
        self.set("MAKEFLAGS", value)
    }

    pub(crate) fn command(mut self) -> Command {
        self.command.env(JOBS, &self.jobs);
        self.command
    }

    /// Has a shell prepare things, and then become this program by `exec "$@"`.
    pub(crate) fn under_shell(self, script: &str) -> Command {
        let inner = self.command();
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh"]).arg(inner.get_program()).args(inner.get_args());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        if let Some(directory) = inner.get_current_dir() {
            shell.current_dir(directory);
        }
        shell
    }
}

/// Not a test by itself: what the other processes do.
#[test]
fn part() {
    let Ok(part) = env::var(PART) else { return };
    match part.as_str() {
        "run" => run(),
        "limits" => limits(),
        "blocked" => blocked(),
        "busy" => busy(),
        "storm" => storm(),
        "without clone3" => forbidden(&[SYS_clone3]),
        "without close_range" => forbidden(&[SYS_close_range]),
        "untouched" => untouched(),
        "afterwards" => afterwards(Signal::SIGINT),
        "stopped afterwards" => afterwards(Signal::SIGTSTP),
        part => panic!("{part}"),
    }
}

fn run() -> ! {
    let value = |name: &str| env::var(name).ok();
    let quiet = value(QUIET).is_some();
    let mut builder = Scheduler::builder()
        .handle_signals(true)
        .inherit_jobserver(true)
        .observer(Plain::stdout().program("host").quiet(quiet))
        .observer(|event: &Event<'_>| match *event {
            Event::Started { job, pid, .. } => println!("started {} {pid}", job.name),
            Event::Finished { job, run: Some(run), .. } => {
                println!("finished {} {}", job.name, run.elapsed.as_secs_f64());
            }
            _ => {}
        });
    if let Some(grace) = value(GRACE) {
        builder = builder.grace(Duration::from_secs_f64(grace.parse().unwrap()));
    }
    if let Some(slots) = value(SLOTS) {
        builder = builder.jobs(Jobs::AtMost(slots.parse().unwrap()));
    }
    if let Some(path) = value(LOGS) {
        builder = builder.log_dir(path);
    }
    let mut scheduler = builder.build().unwrap();
    if scheduler.is_silent() {
        println!("silent");
    }
    let [job, part] = SEPARATORS;
    for job in value(JOBS).unwrap().split(job).skip(1) {
        let (name, script) = job.split_once(part).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        let job = command(name, shell).share_jobserver(value(SHARE).is_some());
        scheduler.ensure(job).unwrap();
    }
    let summary = scheduler.run().unwrap();
    println!("peak memory {}", status_of("self", "VmHWM"));
    println!("descriptors {}", std::fs::read_dir("/proc/self/fd").unwrap().count());
    summary.exit()
}

fn job(script: &str) -> jobsched::CommandJob {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]);
    command("job", shell)
}

/// The soft limit of open files before, during and after a run of any number of jobs.
fn limits() {
    let soft = || getrlimit(Resource::RLIMIT_NOFILE).unwrap().0;
    println!("before {}", soft());
    let mut scheduler = Scheduler::builder()
        .jobs(Jobs::Unlimited)
        .observer(Plain::stdout())
        .observer(move |event: &Event<'_>| {
            if let Event::Started { .. } = event {
                println!("during {}", soft());
            }
        })
        .build()
        .unwrap();
    scheduler.ensure(job("ulimit -n")).unwrap();
    scheduler.run().unwrap();
    println!("after {}", soft());
}

/// A job of a thread that has all signals blocked.
fn blocked() {
    SigSet::all().thread_block().unwrap();
    let mut scheduler = Scheduler::builder().observer(Plain::stdout()).build().unwrap();
    scheduler.ensure(job("exec grep SigBlk: /proc/self/status")).unwrap();
    let grep = jobsched::Program::new("grep").args(["SigBlk:", "/proc/self/status"]);
    scheduler.ensure(command("program", grep)).unwrap();
    scheduler.run().unwrap();
    println!("host {}", status_of("thread-self", "SigBlk"));
}

/// Programs while two other threads open and close descriptors that are not close-on-exec.
fn busy() {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let (read, write) = nix::unistd::pipe().unwrap();
                    drop((read, write));
                }
            });
        }
        let mut scheduler =
            Scheduler::builder().jobs(Jobs::AtMost(4)).observer(Plain::stdout()).build().unwrap();
        for number in 0..60 {
            let list =
                "ls -l /proc/self/fd | sed -n 's/.* \\([0-9]*\\) -> .*/\\1/p' | tr '\\n' ' '";
            let list = jobsched::Program::new("sh").args(["-c", list]);
            scheduler.ensure(command(format!("list.{number}"), list)).unwrap();
        }
        assert!(scheduler.run().unwrap().success());
        done.store(true, Ordering::Relaxed);
    });
}

/// Programs while signals go to all of this process's group, which they leave. This process handles
/// them; whoever gets one without that dies.
fn storm() {
    static ELSEWHERE: AtomicBool = AtomicBool::new(false);
    static HERE: AtomicU32 = AtomicU32::new(0);
    extern "C" fn handler(_: i32) {
        if std::process::id() != HERE.load(Ordering::Relaxed) {
            ELSEWHERE.store(true, Ordering::Relaxed);
        }
    }
    HERE.store(std::process::id(), Ordering::Relaxed);
    let action = SigAction::new(SigHandler::Handler(handler), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler only uses atomics, and a call that is async-signal-safe.
    #[expect(unsafe_code)]
    let before = unsafe { sigaction(Signal::SIGUSR2, &action) };
    assert!(before.is_ok());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                kill(Pid::from_raw(0), Signal::SIGUSR2).unwrap();
            }
        });
        let mut scheduler = Scheduler::builder().jobs(Jobs::AtMost(4)).build().unwrap();
        for number in 0..200 {
            scheduler.ensure(command(number.to_string(), jobsched::Program::new("true"))).unwrap();
        }
        println!("succeeded {}", scheduler.run().unwrap().succeeded);
        done.store(true, Ordering::Relaxed);
    });
    if !ELSEWHERE.load(Ordering::Relaxed) {
        println!("handled here only");
    }
}

/// Programs under a filter that answers these system calls with EPERM, as those of containers do.
fn forbidden(calls: &[i64]) {
    use nix::libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W};
    let line = |code: u32, jt, jf, k| sock_filter { code: code.try_into().unwrap(), jt, jf, k };
    // The number of the call is the first thing that a filter sees.
    let mut program = vec![line(BPF_LD | BPF_W | BPF_ABS, 0, 0, 0)];
    for &call in calls {
        program.push(line(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, call.try_into().unwrap()));
        program.push(line(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | 1));
    }
    program.push(line(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW));
    let filter =
        sock_fprog { len: program.len().try_into().unwrap(), filter: program.as_mut_ptr() };
    // SAFETY: the kernel reads the program, which lives during the call.
    #[expect(unsafe_code)]
    let answers = unsafe {
        let alone = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        (alone, prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &raw const filter))
    };
    assert_eq!(answers, (0, 0));
    let mut scheduler =
        Scheduler::builder().keep_going(true).observer(Plain::stdout()).build().unwrap();
    let script = "echo started; exec sed -n /^Sig/p /proc/self/status";
    let shell = jobsched::Program::new("sh").args(["-c", script]);
    scheduler.ensure(command("job", shell)).unwrap();
    scheduler.ensure(command("missing", jobsched::Program::new("/no/such"))).unwrap();
    scheduler.run().unwrap();
}

/// What a run without [`handle_signals`](jobsched::Builder::handle_signals) changes: nothing.
fn untouched() {
    // Of this thread: libtest's other one may be starting another.
    let sets = ["SigCgt", "SigIgn", "SigBlk", "SigPnd"];
    let state = move || sets.map(|set| status_of("thread-self", set));
    let before = state();
    let mut scheduler = Scheduler::builder()
        .observer(move |event: &Event<'_>| {
            if let Event::Started { .. } = event {
                assert_eq!(state(), before);
                println!("same");
            }
        })
        .build()
        .unwrap();
    scheduler.ensure(job("true")).unwrap();
    scheduler.run().unwrap();
    println!("after {:?} {:?}", state(), env::vars_os().count());
}

/// Two runs that handle signals, and then one signal more.
fn afterwards(signal: Signal) {
    for name in ["first", "second"] {
        let mut scheduler = Scheduler::builder().handle_signals(true).build().unwrap();
        scheduler.ensure(command(name, Command::new("true"))).unwrap();
        assert!(scheduler.run().unwrap().success());
    }
    println!("over");
    raise(signal).unwrap();
    println!("alive");
}
