#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "table.h"

static const float steps[] = { 0.1f, 1e-30f, 3.25f, 1e30f };

static inline uint32_t mix(uint32_t hash, unsigned char byte)
{
	return (hash ^ byte) * 16777619u;
}

double weigh(const struct entry *entries, size_t length)
{
	double sum = 0.1L;
	for (size_t i = 0; i < length; i++)
		sum += SQUARE(entries[i].weight) / 3 + steps[i % 4];
	return sum;
}

long long gather(const struct entry *entries, size_t length, int (*wanted)(const struct entry *))
{
	long long sum = 0;
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < length; i++) {
		if (!wanted(&entries[i]))
			continue;
		for (const char *c = entries[i].key; *c; c++)
			hash = mix(hash, (unsigned char)*c);
		switch (entries[i].count % 7) {
		case 0: sum += entries[i].count << 3; break;
		case 1: sum ^= 0x123456789abcdefLL; break;
		case 2: sum -= entries[i].count / 11; break;
		case 5: sum *= 3; break;
		default: sum += hash;
		}
	}
	return sum;
}

const char *where(void)
{
	static char text[200];
	snprintf(text, sizeof text, "%s:%d %s, of %s %s", __FILE__, __LINE__, __func__, __DATE__, __TIME__);
	return text;
}
