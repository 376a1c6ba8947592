package issuer

import (
	"fmt"
	"strconv"
)

// categoryGroup is a range of merchant category codes (ISO 18245) that people
// think of as one.
type categoryGroup struct {
	from, to uint16
	name     string
}

// categoryGroups are in the order of their codes. The grouping is ours.
var categoryGroups = [...]categoryGroup{
	{1500, 1799, "home"}, {3000, 3999, "travel"}, {4011, 4011, "transport"}, {4111, 4131, "transport"}, {4411, 4411, "travel"},
	{4511, 4511, "travel"}, {4722, 4723, "travel"}, {4784, 4789, "transport"}, {4812, 4816, "telecom"}, {4899, 4899, "telecom"},
	{4900, 4900, "utilities"}, {5045, 5045, "electronics"}, {5200, 5299, "home"}, {5300, 5399, "shopping"}, {5411, 5499, "groceries"},
	{5511, 5533, "car"}, {5541, 5542, "fuel"}, {5551, 5599, "car"}, {5611, 5699, "clothing"}, {5712, 5722, "home"},
	{5732, 5735, "electronics"}, {5811, 5814, "restaurants"}, {5815, 5818, "entertainment"}, {5912, 5912, "health"}, {5921, 5921, "groceries"},
	{5931, 5999, "shopping"}, {6010, 6012, "cash"}, {6300, 6399, "insurance"}, {7011, 7033, "travel"}, {7210, 7299, "services"},
	{7511, 7549, "car"}, {7829, 7841, "entertainment"}, {7911, 7999, "entertainment"}, {8011, 8099, "health"}, {8211, 8299, "education"},
	{8398, 8699, "organisations"}, {8911, 8999, "services"}, {9211, 9405, "government"},
}

// otherCategory is the group of codes that are in no other.
const otherCategory = "other"

// CategoryGroup is the group that a merchant category code belongs to.
func CategoryGroup(code uint16) string {
	for _, g := range categoryGroups {
		if g.from <= code && code <= g.to {
			return g.name
		}
	}
	return otherCategory
}

// CategoryGroups are the names of all groups, each once.
func CategoryGroups() []string {
	var names []string
	seen := map[string]bool{}
	for _, g := range categoryGroups {
		if !seen[g.name] {
			seen[g.name] = true
			names = append(names, g.name)
		}
	}
	return append(names, otherCategory)
}

// inCategory is true for a code in what a limit names: everything, a group, or
// one code.
func inCategory(code uint16, name string) bool {
	switch {
	case name == "":
		return true
	case name[0] >= '0' && name[0] <= '9':
		return codeText(code) == name
	}
	return CategoryGroup(code) == name
}

// validCategory is true for what a limit may name.
func validCategory(name string) bool {
	if name == "" || len(name) == 4 && digitsOnly(name) {
		return true
	}
	for _, g := range CategoryGroups() {
		if g == name {
			return true
		}
	}
	return false
}

// codeText writes a category code with its four digits, "" when there is none.
func codeText(code uint16) string {
	if code == 0 {
		return ""
	}
	return fmt.Sprintf("%04d", code)
}

// number reads up to four digits; what is none is 0.
func number(digits string) uint16 {
	if digits == "" || len(digits) > 4 || !digitsOnly(digits) {
		return 0 // an error of strconv would be made for nothing
	}
	v, _ := strconv.ParseUint(digits, 10, 16)
	return uint16(v)
}
