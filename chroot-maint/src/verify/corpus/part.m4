define(`double', `$1$1')dnl
double(`ab') eval(2 ** 10 + 0x1f) len(`hello') ifelse(eval(1 < 2), 1, `yes', `no') regexp(`abc', `b\(.\)', `\1')
undefine(`double')double(`x') translit(`abc', `a-c', `A-C') format(`%05d %s', 42, `x') syscmd(`echo in a shell')dnl
