// SPDX-License-Identifier: GPL-2.0
#include "json.h"

/* Number of bytes of the UTF-8 character that starts here; 0 if it is invalid. */
static int utf8_length(const unsigned char *s)
{
	unsigned long c;
	int n, i;

	if (*s < 0x80)
		return 1;
	n = *s >= 0xf0 && *s < 0xf5 ? 4 : *s >= 0xe0 && *s < 0xf0 ? 3 :
	    *s >= 0xc2 && *s < 0xe0 ? 2 : 0;
	c = n ? *s & (0x7f >> n) : 0;
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	/* Overlong, a surrogate, or beyond the last code point. */
	if ((n == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) ||
	    (n == 4 && (c < 0x10000 || c > 0x10ffff)))
		return 0;
	return n;
}

void json_string(FILE *f, const char *string)
{
	const unsigned char *s = (const void *)string;
	int n;

	putc('"', f);
	for (; *s; s += n ?: 1) {
		n = utf8_length(s);
		if (!n)
			fputs("\\ufffd", f);
		else if (*s < ' ' || *s == 0x7f)
			fprintf(f, "\\u%04x", *s);
		else if (n == 2 && *s == 0xc2 && s[1] < 0xa0)	/* a control character, too */
			fprintf(f, "\\u%04x", s[1]);
		else if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else
			fwrite(s, 1, n, f);
	}
	putc('"', f);
}
