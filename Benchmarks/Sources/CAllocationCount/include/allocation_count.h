#ifndef ALLOCATION_COUNT_H
#define ALLOCATION_COUNT_H

/// How often memory has been asked for in this process since it began; -1 where that cannot be counted.
long long allocation_count(void);

#endif
