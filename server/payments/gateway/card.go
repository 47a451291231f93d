package gateway

// A card number has 13 to 19 digits (ISO/IEC 7812-1).
const (
	fewestDigits = 13
	mostDigits   = 19
)

// holdsCardNumber finds 13 to 19 digits, alone or grouped by single spaces or hyphens, that pass
// the Luhn check (ISO/IEC 7812-1, annex B).
func holdsCardNumber(text string) bool {
	var digits []byte
	separators := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			digits = append(digits, c-'0')
			separators = 0
			continue
		case (c == ' ' || c == '-') && len(digits) > 0 && separators == 0:
			separators++
			continue
		}
		if isCardNumber(digits) {
			return true
		}
		digits, separators = digits[:0], 0
	}
	return isCardNumber(digits)
}

func isCardNumber(digits []byte) bool {
	if len(digits) < fewestDigits || len(digits) > mostDigits {
		return false
	}
	sum := 0
	for i, digit := range digits {
		value := int(digit)
		if (len(digits)-i)%2 == 0 {
			value *= 2
			if value > 9 {
				value -= 9
			}
		}
		sum += value
	}
	return sum%10 == 0
}
