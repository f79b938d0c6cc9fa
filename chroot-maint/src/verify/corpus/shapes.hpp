#pragma once
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>
namespace shapes {
struct Shape {
	virtual ~Shape() = default;
	virtual double area() const = 0;
	virtual std::string name() const { return "shape"; }
};
template <int Corners> struct Polygon : Shape {
	explicit Polygon(double side) : side(side) {
		if (side < 0)
			throw std::invalid_argument("a side of " + std::to_string(side));
	}
	double area() const override { return side * side * Corners / 4; }
	std::string name() const override { return std::to_string(Corners) + "-gon"; }
	double side;
};
template <typename T, typename... Rest> T total(T first, Rest... rest) {
	if constexpr (sizeof...(rest) == 0)
		return first;
	else
		return first + total<T>(rest...);
}
std::vector<std::unique_ptr<Shape>> some(double side);
}
