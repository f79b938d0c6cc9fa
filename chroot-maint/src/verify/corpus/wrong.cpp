#include <algorithm>
#include <list>
int main() {
	std::list<int> numbers{ 3, 1, 2 };
	std::sort(numbers.begin(), numbers.end());
	auto nothing = undeclared<int>(numbers);
	return numbers;
}
