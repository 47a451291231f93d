package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// SignatureTolerance is how far a webhook's time may be from ours, unless an option says otherwise.
const SignatureTolerance = 5 * time.Minute

// Sign gives the signature of a body sent at a time: t=<Unix seconds>,v1=<HMAC-SHA-256 of
// "<t>.<body>", hex>. It is the scheme of Stripe, which several gateways share.
func Sign(secret string, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac(secret, seconds, body))
}

func mac(secret, seconds string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(seconds + "."))
	h.Write(body)
	return h.Sum(nil)
}

// VerifySignature checks a signature made by Sign with one of the secrets; two are in use while one
// is being rotated. It compares in constant time. The errors are those of Gateway.ParseWebhook.
func VerifySignature(header string, body []byte, now time.Time, tolerance time.Duration, secrets ...string) error {
	var seconds string
	var signatures []string
	for part := range strings.SplitSeq(header, ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "t":
			seconds = value
		case "v1":
			signatures = append(signatures, value)
		}
	}
	if !matches(seconds, signatures, body, secrets) {
		return fault.New(fault.KindUnauthenticated, fault.ReasonWebhookSignature,
			"the webhook's signature is missing or wrong")
	}
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || now.Sub(time.Unix(at, 0)).Abs() > tolerance {
		return fault.New(fault.KindUnauthenticated, fault.ReasonWebhookTooOld,
			"the webhook was not signed within %s of now", tolerance)
	}
	return nil
}

func matches(seconds string, signatures []string, body []byte, secrets []string) bool {
	for _, secret := range secrets {
		if secret == "" {
			continue // an unset secret signs nothing
		}
		want := mac(secret, seconds, body)
		for _, signature := range signatures {
			if got, err := hex.DecodeString(signature); err == nil && hmac.Equal(got, want) {
				return true
			}
		}
	}
	return false
}

// MalformedWebhook makes the error of a signed body that makes no sense. The cause may be nil.
func MalformedWebhook(cause error) error {
	return fault.New(fault.KindInvalid, fault.ReasonWebhookMalformed, "the webhook's body cannot be read").Because(cause)
}
