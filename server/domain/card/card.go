// Package card keeps card numbers out: it finds what looks like one in a text. What is paid with is
// a token of the gateway, and nothing else ever enters.
package card

import (
	"strings"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// A card number has 13 to 19 digits (ISO/IEC 7812-1).
const (
	fewestDigits = 13
	mostDigits   = 19
)

// CheckText refuses free text that holds a card number, with CARD_NUMBER_REFUSED: 13 to 19 digits
// that pass the Luhn check; or, grouped by spaces, hyphens and the like, those of a card network.
func CheckText(field, text string) error {
	if found(text, false) {
		return refused(field)
	}
	return nil
}

// CheckIdentifier is CheckText for a SKU, a document number and other names that a shop makes. One
// in ten of its barcodes and time stamps passes the Luhn check, so here only the number of a card
// network counts, with the length that this network's cards have.
func CheckIdentifier(field, text string) error {
	if found(text, true) {
		return refused(field)
	}
	return nil
}

func refused(field string) error {
	return fault.Invalid(fault.ReasonCardNumberRefused, field,
		"this looks like a card number; only tokens of the payment gateway may enter")
}

// group is a run of digits within the digits of a run of groups.
type group struct{ from, to int }

// found looks at every run of groups of digits that stand together.
func found(text string, networksOnly bool) bool {
	if len(text) < fewestDigits {
		return false
	}
	var digits []byte
	var groups []group
	separators := 0
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			if separators > 0 || len(groups) == 0 {
				groups = append(groups, group{len(digits), len(digits)})
			}
			digits = append(digits, byte(r-'0')) //nolint:gosec // a digit
			groups[len(groups)-1].to++
			separators = 0
		case len(groups) > 0 && separators < 2 && strings.ContainsRune(" \t\n-._/\u00a0\u2009\u202f\u2010\u2011\u2012\u2013\u2014", r):
			separators++
		default:
			if anyNumber(digits, groups, networksOnly) {
				return true
			}
			digits, groups, separators = digits[:0], groups[:0], 0
		}
	}
	return anyNumber(digits, groups, networksOnly)
}

// anyNumber looks at every part of the run that begins and ends with a group.
func anyNumber(digits []byte, groups []group, networksOnly bool) bool {
	if len(digits) < fewestDigits {
		return false
	}
	for first := range groups {
		for last := first; last < len(groups); last++ {
			number := digits[groups[first].from:groups[last].to]
			if len(number) > mostDigits {
				break
			}
			if len(number) < fewestDigits || !luhn(number) {
				continue
			}
			if first == last && !networksOnly || ofNetwork(number) {
				return true
			}
		}
	}
	return false
}

// luhn checks the check digit (ISO/IEC 7812-1, annex B).
func luhn(digits []byte) bool {
	sum := 0
	for i, digit := range digits {
		value := int(digit)
		if (len(digits)-i)%2 == 0 {
			if value *= 2; value > 9 {
				value -= 9
			}
		}
		sum += value
	}
	return sum%10 == 0
}

// network is a range of first digits and the lengths of the numbers behind it.
type network struct{ digits, first, last, shortest, longest int }

// networks are the ranges that card networks issue from today. Numbers of 13 digits, which no
// network issues any more, are left to barcodes.
var networks = []network{
	{1, 4, 4, 16, 19},       // Visa
	{2, 51, 55, 16, 16},     // Mastercard
	{4, 2221, 2720, 16, 16}, // Mastercard
	{2, 34, 34, 15, 15},     // American Express
	{2, 37, 37, 15, 15},     // American Express
	{3, 300, 305, 14, 19},   // Diners Club
	{2, 36, 36, 14, 19},     // Diners Club
	{2, 38, 39, 14, 19},     // Diners Club
	{4, 3528, 3589, 16, 19}, // JCB
	{4, 6011, 6011, 16, 19}, // Discover
	{3, 644, 659, 16, 19},   // Discover
	{2, 62, 62, 16, 19},     // UnionPay
	{2, 60, 60, 16, 19},     // RuPay, Discover
	{2, 81, 82, 16, 19},     // RuPay
	{4, 2200, 2204, 16, 19}, // Mir
	{2, 50, 50, 15, 19},     // Maestro
	{2, 56, 58, 15, 19},     // Maestro
	{2, 63, 63, 15, 19},     // Maestro
	{2, 67, 67, 15, 19},     // Maestro
}

func ofNetwork(number []byte) bool {
	for _, n := range networks {
		head := 0
		for _, digit := range number[:n.digits] {
			head = head*10 + int(digit)
		}
		if head >= n.first && head <= n.last && len(number) >= n.shortest && len(number) <= n.longest {
			return true
		}
	}
	return false
}
