# Loaded before a script of the chroot that the host's perl runs. Has that look for modules in the order of the chroot's perl, with
# the host's core modules in the place of the chroot's. Has the script started again by the chroot's own perl if it asks for a module
# from where that keeps compiled ones, which can't be loaded here. TREE is the directory of the tree.
package ChrootMaint;

# What known scripts use only where it is there, or read first when half of the work may be done: asked for before any is.
my @asked_late = qw(File/FcntlLock.pm Locale/gettext.pm);
push @asked_late, 'Compress/Raw/Zlib.pm' if $0 =~ /strip[-_]nondeterminism$/;

# Whoever speaks no other language has nothing to translate, with or without it.
my $speaks_c = ($ENV{LC_ALL} || $ENV{LC_MESSAGES} || $ENV{LANG} || 'C') =~ /^(C|POSIX)(\.|$)/;

# As `use filetest 'access'`, which perl-base has not. Unlike -e, -r then leaves alone what the script means by `_`.
BEGIN { $^H |= 0x00400000 }

# Stands in @INC for a directory of compiled modules. A script that runs already may have done things which must not be done twice: it
# then makes do with a core module, where there is one.
sub for_the_chroots {
	my ($dir, $start_again) = @_;
	return sub {
		my $file = $_[1];
		return unless -r "$dir/$file";
		return if $speaks_c && $file eq 'Locale/gettext.pm';
		return if ${^GLOBAL_PHASE} ne 'START' && grep { !ref && -r "$_/$file" } @INC;
		$start_again->();
		return;
	};
}

sub import {
	my ($script, @words) = ($0, @ARGV);
	# Whoever starts perl again means the chroot's.
	$^X = '/usr/bin/perl';
	my $start_again = sub { exec { $^X } $^X, $script, @words };
	my (@core, @dirs);
	for my $dir (@INC) {
		if (index($dir, 'TREE/modules/') == 0) {
			push @core, $dir;
		} elsif ($dir =~ m{/local/lib/[^/]+/perl/[\d.]+$}) {
			push @dirs, for_the_chroots('TREE/modules/local', $start_again);
		} elsif ($dir =~ m{/lib/[^/]+/perl5/[\d.]+$}) {
			push @dirs, for_the_chroots('TREE/modules/extensions', $start_again);
		} else {
			push @dirs, splice(@core) if $dir =~ m{/perl-base$};
			push @dirs, $dir;
		}
	}
	@INC = (@core, @dirs);
	for my $file (@asked_late) {
		for my $place (@INC) {
			ref $place ? $place->($place, $file) : -r "$place/$file" && last;
		}
	}
}

1;
