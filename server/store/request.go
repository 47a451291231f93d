package store

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Request names a request for a change, so that repeating it gives the first answer.
type Request struct {
	Key         [16]byte
	Fingerprint [32]byte // of everything that was asked
}

// NewRequest names the request that owner (a customer, an order, a SKU) made with requestID. Two
// owners may use the same request id. body is the request in a form that is the same each time.
func NewRequest(owner, requestID string, body []byte) Request {
	key := sha256.Sum256([]byte(owner + "\x00" + requestID))
	return Request{Key: [16]byte(key[:16]), Fingerprint: sha256.Sum256(body)}
}

// String gives the key as text.
func (r Request) String() string { return hex.EncodeToString(r.Key[:]) }

// ErrRequestReused gives the fault of another request that used the same id.
func ErrRequestReused() error {
	return fault.New(fault.KindExists, fault.ReasonRequestIDReused,
		"this request id was used for a different request; choose a new one")
}
