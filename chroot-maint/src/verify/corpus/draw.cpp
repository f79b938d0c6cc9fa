#include <algorithm>
#include <iomanip>
#include <iostream>
#include <map>
#include <typeinfo>
#include "shapes.hpp"
int main() {
	std::map<std::string, double> areas;
	for (double side : { 3.0, 1.5, 0.5 }) {
		try {
			for (const auto &shape : shapes::some(side))
				areas[shape->name()] += shape->area();
		} catch (const std::exception &error) {
			std::cout << "caught " << error.what() << '\n';
		}
	}
	std::vector<std::pair<std::string, double>> sorted(areas.begin(), areas.end());
	std::sort(sorted.begin(), sorted.end(), [](auto &a, auto &b) { return a.second > b.second; });
	for (const auto &[name, area] : sorted)
		std::cout << std::setw(8) << name << std::setprecision(12) << area << '\n';
	std::cout << shapes::total(1, 2, 3L, 4.5f) << ' ' << typeid(shapes::Polygon<7>).name() << std::endl;
}
