/** Shell text that makes a tree with all that is hard to copy, below the directory `$1`-less: the current one. */
export const NASTY_TREE = String.raw`
mkdir sub cache 'sp ace' empty d1 d1/d2
echo cached > cache/y; echo licence > a.lic; echo no-licence > sub/a.lic; mkdir sub/verify; echo deep > sub/verify/x
printf one > "$(printf 'new\nline')"; printf two > ./-dash; printf three > 'back\slash'
printf t > "$(printf 'tab\there')"; printf c > "$(printf 'cr\rx')"; printf '\377\376' > "$(printf 'bad\377utf')"
: > empty/zero; ln ./-dash sub/hard; ln ./-dash 'sp ace/hard 2'
ln -s '../a//b' sub/link; ln -s "$(printf 'x\ny')" sub/newline-link; ln -s nowhere dangling
truncate -s 10M sparse; printf end >> sparse
head -c 3000000 /dev/urandom > big; printf u > 'ünï cödé.txt'
chown games:games 'ünï cödé.txt'; chown -h nobody dangling
chmod 2775 sub; chmod 4711 'sp ace/hard 2'; chmod 0000 big; chmod 1777 empty
setfacl -m u:nobody:r ./-dash; setfacl -d -m g:daemon:rx sub; setfacl -m u:games:rw "$(printf 'new\nline')"
setfattr -n user.b -v 1 ./-dash; setfattr -n user.a -v "$(printf 'q\n')" ./-dash; setfattr -n user.z -v 1 "$(printf 'new\nline')"
mkfifo fifo; printf '//' > 'a b'; echo z > d1/d2/f
touch -d '2001-02-03 04:05:06.123456789' d1/d2/f d1/d2 d1; touch -h -d '1999-01-01' sub/link
`;
