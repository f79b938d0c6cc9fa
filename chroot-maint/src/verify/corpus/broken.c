#include "missing-in-any-system.h"
