# Loaded before a script of the chroot that the host's perl runs. Has it started again by the chroot's own perl if it asks for a
# module that was compiled for that, and so can't be loaded here. TREE is the directory of the tree.
package ChrootMaint;

my $extensions = 'TREE/modules/extensions';

# dpkg-dev does not need these, but uses them where they are: asked for when half of the work may be done.
my @asked_late = qw(File/FcntlLock.pm Locale/gettext.pm);

# Whoever speaks no other language has nothing to translate, with or without it.
my $speaks_c = ($ENV{LC_ALL} || $ENV{LC_MESSAGES} || $ENV{LANG} || 'C') =~ /^(C|POSIX)(\.|$)/;

sub is_the_chroots {
	my $file = shift;
	return !($speaks_c && $file eq 'Locale/gettext.pm') && -e "$extensions/$file";
}

sub import {
	my @words = @ARGV;
	# Whoever starts perl again means the chroot's.
	$^X = '/usr/bin/perl';
	my $start_again = sub { exec { $^X } $^X, $0, @words };
	is_the_chroots($_) and $start_again->() for @asked_late;
	push @INC, sub { is_the_chroots($_[1]) and $start_again->(); return };
}

1;
