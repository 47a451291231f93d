// Package pagetoken gives tokens that say where the next page starts. A token is opaque, fits only
// the list it came from, and cannot be made or changed by a caller.
//
// A position is a key in the order of the list, so it is a position in every shard at once.
package pagetoken

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strings"
	"sync"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Tokens makes and reads tokens with one key. It is safe for concurrent use.
type Tokens struct{ macs sync.Pool } // of hash.Hash: every write seals a token, and keying a MAC is half of that

// New takes a key that all replicas share.
func New(key []byte) *Tokens {
	return &Tokens{macs: sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// sealLen is how much of the HMAC a token carries.
const sealLen = 16

// Make gives the token of a position in a list. The list is named by everything that makes it:
// method, filter and order.
func (t *Tokens) Make(list, position []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(t.seal(list, position), position...))
}

// Read gives the position of a token of this list; nil for no token. It fails with
// INVALID_PAGE_TOKEN.
func (t *Tokens) Read(list []byte, token string) ([]byte, error) {
	if token == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	// Strict base64 skips line ends all the same.
	if err != nil || strings.ContainsAny(token, "\r\n") || len(raw) < sealLen || !hmac.Equal(raw[:sealLen], t.seal(list, raw[sealLen:])) {
		return nil, fault.Invalid(fault.ReasonInvalidPageToken, "page_token",
			"the token is not of this list; take next_page_token of the page before, with the same filter and order")
	}
	return raw[sealLen:], nil
}

func (t *Tokens) seal(list, position []byte) []byte {
	name := sha256.Sum256(list)
	mac := t.macs.Get().(hash.Hash) //nolint:forcetypeassert // nothing else is put there
	defer t.macs.Put(mac)
	mac.Reset()
	mac.Write(name[:])
	mac.Write(position)
	return mac.Sum(nil)[:sealLen]
}
