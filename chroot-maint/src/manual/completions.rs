//! What shells complete: commands, options, and the names of chroots, for which the script asks `chroot-maint list` and leaves
//! out what else that says.

use clap::{Arg, Command, ValueHint, builder::PossibleValuesParser};
use clap_complete::Shell;

/// Arguments that name chroots.
const CHROOTS: [&str; 2] = ["which", "chroot"];
/// Stands for the names in what is generated; it becomes something that finds them.
const PLACEHOLDER: &str = "@CHROOTS@";

/// How zsh finds them.
const ZSH_CHROOTS: &str = "
_chroot-maint_chroots() {
    local -a chroots
    chroots=(${(f)\"$(_call_program chroots chroot-maint list 2>/dev/null)\"})
    chroots=(${chroots:#cross-tools.*})
    compadd -a chroots
}
";

/// The script for a shell.
pub(super) fn script(shell: Shell, whole: &Command) -> String {
    let mut command = visible(whole, matches!(shell, Shell::Bash | Shell::Zsh));
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "chroot-maint", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    match shell {
        Shell::Bash => script
            // The two spellings of this program's name in what is generated don't fit: clap issue 6421.
            .replace("chroot__subcmd__maint", "chroot__maint")
            .replace(PLACEHOLDER, "$(\"$1\" list 2>/dev/null | grep -v '^cross-tools[.]')"),
        Shell::Zsh => {
            let script = script.replace(&format!("({PLACEHOLDER})"), "_chroot-maint_chroots");
            // The first line says whose completion it is, and must stay the first.
            script.replacen('\n', &format!("\n{ZSH_CHROOTS}"), 1)
        }
        Shell::Fish => script + &fish_chroots(whole),
        _ => script,
    }
}

/// Arguments without a dash are not completed by what is generated for fish.
fn fish_chroots(whole: &Command) -> String {
    let names = |command: &&Command| command.get_arguments().any(is_chroots);
    let commands: Vec<&str> =
        whole.get_subcommands().filter(names).map(Command::get_name).collect();
    format!(
        "complete -c chroot-maint -n \"__fish_chroot_maint_using_subcommand {}\" -f \
         -a \"(chroot-maint list 2>/dev/null | string match -v 'cross-tools.*')\"\n",
        commands.join(" ")
    )
}

fn is_chroots(argument: &Arg) -> bool {
    argument.is_positional() && CHROOTS.contains(&argument.get_id().as_str())
}

/// Without what is for the program's own use, which a definition can't be relieved of.
fn visible(whole: &Command, with_chroots: bool) -> Command {
    let shown = whole.get_arguments().filter(|argument| !argument.is_hide_set());
    let commands = whole.get_subcommands().filter(|command| !command.is_hide_set());
    Command::new("chroot-maint")
        .version(env!("CARGO_PKG_VERSION"))
        .args(shown.cloned())
        .subcommands(
            commands
                .cloned()
                .map(|command| command.mut_args(|argument| hinted(argument, with_chroots))),
        )
        .mut_args(|argument| hinted(argument, with_chroots))
}

/// An argument with what can be said in its place. Of most, files are not.
fn hinted(argument: Arg, with_chroots: bool) -> Arg {
    let hint = match argument.get_id().as_str() {
        _ if !argument.get_action().takes_values() => return argument,
        "fresh" => {
            return argument
                .value_parser(PossibleValuesParser::new(["create", "force", "1d", "7d"]));
        }
        _ if with_chroots && is_chroots(&argument) => {
            return argument.value_parser(PossibleValuesParser::new([PLACEHOLDER]));
        }
        "bind" => ValueHint::DirPath,
        "command" => ValueHint::CommandWithArguments,
        _ if argument.get_value_hint() == ValueHint::Unknown => ValueHint::Other,
        _ => return argument,
    };
    argument.value_hint(hint)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap_complete::Shell;

    use super::{PLACEHOLDER, script};
    use crate::cli::Cli;

    #[test]
    fn nothing_that_is_hidden_is_offered() {
        for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
            let script = script(shell, &Cli::command());
            for word in ["in-sandbox", "remove-tree", "shuffle", PLACEHOLDER] {
                assert!(!script.contains(word), "{shell}: {word}");
            }
        }
    }

    #[test]
    fn names_of_chroots_are_asked_for() {
        for (shell, asks) in [
            (Shell::Bash, "$(\"$1\" list 2>/dev/null | grep -v '^cross-tools[.]')"),
            (Shell::Zsh, ":_chroot-maint_chroots'"),
            (Shell::Fish, "using_subcommand chroot cross-tools status enter"),
        ] {
            let script = script(shell, &Cli::command());
            assert!(script.contains(asks), "{shell}: {script}");
        }
    }
}
