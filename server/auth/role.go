package auth

import (
	"fmt"
	"slices"
	"strings"
)

var roleNames = map[Role]string{
	Anyone: "anyone", Customer: "customer", Staff: "staff", Operator: "operator", Service: "service",
}

// String names a role in lower case.
func (r Role) String() string {
	if name, ok := roleNames[r]; ok {
		return name
	}
	return fmt.Sprintf("Role(%d)", uint8(r))
}

// Assignable are the roles that a user, a key or an outside issuer may give, in their order. Anyone
// needs no giving, and a service is known by its certificate.
func Assignable() []Role { return []Role{Customer, Staff, Operator} }

// ParseRole finds an assignable role by its name; case does not count.
func ParseRole(name string) (Role, bool) {
	for _, role := range Assignable() {
		if strings.EqualFold(name, role.String()) {
			return role, true
		}
	}
	return 0, false
}

// Normal gives roles in the order of their numbers, each once.
func Normal(roles []Role) []Role { return slices.Compact(slices.Sorted(slices.Values(roles))) }
