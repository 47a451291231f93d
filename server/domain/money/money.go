// Package money gives amounts that are exact: integers of a currency's minor unit, with sums and
// products that refuse to overflow.
package money

import (
	"math/bits"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Minor is an amount in minor units: pence, cents, yen. Its currency stands beside it.
type Minor int64

// Add gives a + b, or AMOUNT_OVERFLOW.
func (a Minor) Add(b Minor) (Minor, error) {
	sum := a + b
	if (sum > a) != (b > 0) && b != 0 {
		return 0, overflow()
	}
	return sum, nil
}

// Sub gives a − b, or AMOUNT_OVERFLOW.
func (a Minor) Sub(b Minor) (Minor, error) {
	difference := a - b
	if (difference < a) != (b > 0) && b != 0 {
		return 0, overflow()
	}
	return difference, nil
}

// Times gives a × quantity, or AMOUNT_OVERFLOW. Neither may be negative.
func (a Minor) Times(quantity int64) (Minor, error) {
	if a < 0 || quantity < 0 {
		return 0, overflow()
	}
	high, low := bits.Mul64(uint64(a), uint64(quantity))
	if high != 0 || low > 1<<63-1 {
		return 0, overflow()
	}
	return Minor(low), nil
}

// Part gives a × n ÷ of, rounded down. It is exact for any amount; 0 ≤ n ≤ of and of > 0 must hold.
func (a Minor) Part(n, of int64) Minor {
	if a < 0 {
		return -(-a).Part(n, of)
	}
	high, low := bits.Mul64(uint64(a), uint64(n))    //nolint:gosec // neither is negative
	quotient, _ := bits.Div64(high, low, uint64(of)) //nolint:gosec // positive; the quotient is at most a
	return Minor(quotient)                           //nolint:gosec // at most a
}

func overflow() error {
	return fault.New(fault.KindInvalid, fault.ReasonAmountOverflow,
		"the amount is larger than 9223372036854775807 minor units")
}
