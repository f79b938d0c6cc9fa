#include "shapes.hpp"
namespace shapes {
namespace {
struct Loud {
	explicit Loud(int &count) : count(count) { ++count; }
	~Loud() { --count; }
	int &count;
};
}
thread_local int alive;
std::vector<std::unique_ptr<Shape>> some(double side) {
	Loud loud(alive);
	std::vector<std::unique_ptr<Shape>> all;
	all.push_back(std::make_unique<Polygon<3>>(side));
	all.push_back(std::make_unique<Polygon<4>>(side - 1));
	return all;
}
}
