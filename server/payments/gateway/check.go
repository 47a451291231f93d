package gateway

import (
	"net/url"
	"strings"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

const (
	maxKey      = 200 // Stripe allows 255
	maxMethod   = 255
	maxPayment  = 100
	maxMetadata = 20
	maxValue    = 200
)

// Check refuses what no gateway takes: implementations call it before anything else.
func (r AuthorizeRequest) Check() error {
	if err := checkMethod(r.Method); err != nil {
		return err
	}
	if r.ReturnURL != "" {
		if u, err := url.Parse(r.ReturnURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return fault.Invalid(fault.ReasonInvalidRequest, "return_url", "the return URL is not an http or https URL")
		}
	}
	if len(r.Metadata) > maxMetadata {
		return fault.Invalid(fault.ReasonInvalidRequest, "metadata", "there are at most %d metadata", maxMetadata)
	}
	for name, value := range r.Metadata {
		if len(name) > 40 || len(value) > maxValue {
			return fault.Invalid(fault.ReasonInvalidRequest, "metadata",
				"a metadata name has at most 40 bytes and a value %d", maxValue)
		}
		if holdsCardNumber(value) || holdsCardNumber(name) {
			return cardNumber("metadata")
		}
	}
	return check(r.Key, r.Payment, r.Amount, 1, r.Currency)
}

// Check refuses what no gateway takes.
func (r CaptureRequest) Check() error {
	least := money.Minor(1)
	if r.Final {
		least = 0
	}
	return checkOf(r.Authorization, check(r.Key, r.Payment, r.Amount, least, r.Currency))
}

// Check refuses what no gateway takes.
func (r VoidRequest) Check() error {
	return checkOf(r.Authorization, checkNames(r.Key, r.Payment))
}

// Check refuses what no gateway takes.
func (r RefundRequest) Check() error {
	return checkOf(r.Authorization, check(r.Key, r.Payment, r.Amount, 1, r.Currency))
}

func checkOf(authorization AuthorizationID, err error) error {
	if err == nil && (authorization == "" || len(authorization) > maxKey) {
		return fault.Invalid(fault.ReasonInvalidRequest, "authorization", "an authorization is named")
	}
	return err
}

func check(key Key, payment string, amount, least money.Minor, currency money.Currency) error {
	if amount < least {
		return fault.Invalid(fault.ReasonAmountInvalid, "amount", "the amount is at least %d", least)
	}
	if !currency.Known() {
		return fault.Invalid(fault.ReasonCurrencyUnknown, "currency", "the currency is an active ISO 4217 code")
	}
	return checkNames(key, payment)
}

func checkNames(key Key, payment string) error {
	if !printable(string(key), maxKey) {
		return fault.Invalid(fault.ReasonInvalidRequest, "key", "a key is 1 to %d printable characters", maxKey)
	}
	if !printable(payment, maxPayment) {
		return fault.Invalid(fault.ReasonInvalidRequest, "payment", "a payment id is 1 to %d printable characters", maxPayment)
	}
	return nil
}

func printable(text string, most int) bool {
	return text != "" && len(text) <= most &&
		strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// checkMethod takes a token: it begins with a letter, so that no number is one.
func checkMethod(token string) error {
	switch {
	case holdsCardNumber(token):
		return cardNumber("method")
	case !printable(token, maxMethod) || token[0]|0x20 < 'a' || token[0]|0x20 > 'z':
		return fault.Invalid(fault.ReasonPaymentMethodInvalid, "method",
			"a payment method is a token that begins with a letter")
	}
	return nil
}

func cardNumber(field string) error {
	return fault.Invalid(fault.ReasonCardNumberRefused, field,
		"this looks like a card number; only tokens may enter")
}
