package importer

import "math/big"

// DefaultExponent is how many decimals the minor unit of most currencies has.
const DefaultExponent = 2

// exponents holds the currencies of ISO 4217 whose minor unit is not a hundredth.
var exponents = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0,
	"RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3, "CLF": 4, "UYW": 4,
}

// exponentOf tells how many decimals the minor unit of a currency has.
func exponentOf(currencyCode string) int {
	if exponent, ok := exponents[currencyCode]; ok {
		return exponent
	}
	return DefaultExponent
}

// lineMoney gives the price of one and what is taken off the line, both in minor units, so that
// quantity × unit − off is exactly the amount of the line: quantity × price × (1 − discount),
// rounded half up. A price finer than the minor unit is rounded up, and the difference is part of
// what is taken off. Quantity and price are not negative, the discount is from 0 to 1. It is false
// when an amount is beyond 64 bits.
func lineMoney(quantity int64, price, discount Decimal, exponent int) (unit, off int64, ok bool) {
	units := ceiling(big.NewInt(price.coefficient), exponent, price.scale)
	keep, keepScale := discount.complement()
	net := new(big.Int).Mul(big.NewInt(quantity), big.NewInt(price.coefficient))
	net = halfUp(net.Mul(net, keep), exponent, price.scale+keepScale)
	gross := new(big.Int).Mul(big.NewInt(quantity), units)
	if !gross.IsInt64() || !units.IsInt64() {
		return 0, 0, false
	}
	return units.Int64(), gross.Int64() - net.Int64(), true
}

// minorUnits rounds an amount half up to the minor unit. It is false beyond 64 bits.
func minorUnits(amount Decimal, exponent int) (int64, bool) {
	minor := halfUp(big.NewInt(amount.coefficient), exponent, amount.scale)
	return minor.Int64(), minor.IsInt64()
}

// halfUp gives n × 10^up ÷ 10^down, rounded half up. n is not negative.
func halfUp(n *big.Int, up, down int) *big.Int {
	if down <= up {
		return n.Mul(n, power10(up-down))
	}
	divisor := power10(down - up)
	n.Lsh(n, 1)
	return n.Div(n.Add(n, divisor), divisor.Lsh(divisor, 1))
}

// ceiling gives n × 10^up ÷ 10^down, rounded up. n is not negative.
func ceiling(n *big.Int, up, down int) *big.Int {
	if down <= up {
		return n.Mul(n, power10(up-down))
	}
	divisor := power10(down - up)
	n.Add(n, divisor)
	return n.Div(n.Sub(n, big.NewInt(1)), divisor)
}
