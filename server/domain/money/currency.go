package money

import "strings"

// Currency is an ISO 4217 code in capitals.
type Currency string

// The active currencies of ISO 4217 with their minor units, without fund and testing codes.
const (
	noMinorUnit    = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
	threeMinorUnit = "BHD IQD JOD KWD LYD OMR TND"
	fourMinorUnit  = "CLF UYW"
	twoMinorUnit   = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP " +
		"BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL " +
		"GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP " +
		"LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR " +
		"NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP " +
		"STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER " +
		"ZAR ZMW ZWG"
)

var exponents = func() map[Currency]int {
	m := make(map[Currency]int, 200)
	for exponent, codes := range map[int]string{0: noMinorUnit, 2: twoMinorUnit, 3: threeMinorUnit, 4: fourMinorUnit} {
		for code := range strings.FieldsSeq(codes) {
			m[Currency(code)] = exponent
		}
	}
	return m
}()

// Exponent tells how many decimals the minor unit has; false for an unknown code.
func (c Currency) Exponent() (int, bool) {
	exponent, ok := exponents[c]
	return exponent, ok
}

// Known tells whether the code is an active currency.
func (c Currency) Known() bool {
	_, ok := exponents[c]
	return ok
}
