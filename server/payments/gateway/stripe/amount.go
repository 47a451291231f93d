package stripe

import (
	"strings"

	"github.com/stripe/stripe-go/v86"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Stripe counts a few currencies in other units than ISO 4217
// (https://docs.stripe.com/currencies#special-cases).
func scale(currency money.Currency) (times, per money.Minor, ok bool) {
	switch currency {
	case "ISK", "UGX":
		return 100, 1, true // no minor unit, but counted in hundredths
	case "MGA":
		return 1, 100, true // two decimals, but counted in whole units
	case "CLF", "UYW":
		return 0, 0, false // four decimals: not offered
	default:
		return 1, 1, true
	}
}

// threeDecimals are charged in steps of ten.
func threeDecimals(currency money.Currency) bool {
	exponent, _ := currency.Exponent()
	return exponent == 3
}

// toStripe gives an amount as Stripe counts it, or refuses one that it cannot express.
func toStripe(amount money.Minor, currency money.Currency) (int64, error) {
	times, per, ok := scale(currency)
	if !ok {
		return 0, fault.Invalid(fault.ReasonCurrencyUnknown, "currency", "Stripe does not offer %s", currency)
	}
	if amount%per != 0 || threeDecimals(currency) && amount%10 != 0 {
		return 0, fault.Invalid(fault.ReasonAmountInvalid, "amount", "Stripe cannot express this amount of %s", currency)
	}
	counted, err := (amount / per).Times(int64(times))
	return int64(counted), err
}

// fromStripe is toStripe backwards.
func fromStripe(counted int64, code stripe.Currency) (money.Minor, money.Currency) {
	currency := money.Currency(strings.ToUpper(string(code)))
	times, per, ok := scale(currency)
	if !ok {
		return money.Minor(counted), currency
	}
	return money.Minor(counted) / times * per, currency
}
