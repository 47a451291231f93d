package importer

import (
	"errors"
	"math/big"
	"strings"
)

// maxDigits keeps a coefficient within 64 bits.
const maxDigits = 18

var errDecimal = errors.New("not a decimal number of at most 18 digits")

// Decimal is an exact decimal number: coefficient ÷ 10^scale. The zero value is 0.
type Decimal struct {
	coefficient int64
	scale       int
}

// ParseDecimal reads digits with an optional sign and an optional point between them. Exponents,
// blanks, separators and more than 18 digits are errors: nothing is ever rounded here.
func ParseDecimal(text string) (Decimal, error) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	if whole == "" || (point && fraction == "") || len(whole)+len(fraction) > maxDigits {
		return Decimal{}, errDecimal
	}
	d := Decimal{scale: len(fraction)}
	for _, part := range [...]string{whole, fraction} {
		for i := range len(part) {
			if part[i] < '0' || part[i] > '9' {
				return Decimal{}, errDecimal
			}
			d.coefficient = d.coefficient*10 + int64(part[i]-'0')
		}
	}
	if negative {
		d.coefficient = -d.coefficient
	}
	return d, nil
}

// Sign is -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.coefficient < 0:
		return -1
	case d.coefficient > 0:
		return 1
	default:
		return 0
	}
}

// atMostOne tells whether the number is 1 or less.
func (d Decimal) atMostOne() bool {
	return big.NewInt(d.coefficient).Cmp(power10(d.scale)) <= 0
}

// complement gives 1 − d.
func (d Decimal) complement() (coefficient *big.Int, scale int) {
	return new(big.Int).Sub(power10(d.scale), big.NewInt(d.coefficient)), d.scale
}

func power10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}
