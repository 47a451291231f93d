// Package password turns passwords into hashes that are costly to guess from, argon2id (RFC 9106),
// and bounds how much of the machine that takes. Which password is whose is up to others.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Cost is what one hash takes.
type Cost struct {
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
}

// Recommended is what OWASP's password storage cheat sheet asks for at least.
func Recommended() Cost { return Cost{MemoryKiB: 19 << 10, Passes: 2, Lanes: 1} }

const (
	saltBytes = 16
	hashBytes = 32
	// waiting is how many may wait for each one that is hashing.
	waiting = 16
	// shedFor is how long one that was shed is asked to wait.
	shedFor = time.Second
)

// Hasher hashes and compares. Make it with New; it is safe for concurrent use.
type Hasher struct {
	cost     Cost
	dummy    string
	queue    chan struct{} // who waits or hashes
	hashing  chan struct{}
	computed atomic.Int64
}

// New makes a hasher that hashes at most atOnce passwords at the same time.
func New(cost Cost, atOnce int) *Hasher {
	h := &Hasher{
		cost: cost, queue: make(chan struct{}, atOnce*(1+waiting)), hashing: make(chan struct{}, atOnce),
	}
	h.dummy = format(cost, make([]byte, saltBytes), make([]byte, hashBytes))
	return h
}

// Computed tells how many hashes were computed.
func (h *Hasher) Computed() int64 { return h.computed.Load() }

// Hash gives the hash of a password, as a PHC string. It fails with OVERLOADED when too many wait.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	sum, err := h.compute(ctx, password, h.cost, salt)
	if err != nil {
		return "", err
	}
	return format(h.cost, salt, sum), nil
}

// Matches tells whether a password has this hash. An empty hash has no password, and costs as much to
// find out. It fails with OVERLOADED when too many wait.
func (h *Hasher) Matches(ctx context.Context, password, hash string) (bool, error) {
	known := hash != ""
	if !known {
		hash = h.dummy
	}
	cost, salt, want, err := parse(hash)
	if err != nil {
		return false, err
	}
	got, err := h.compute(ctx, password, cost, salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

// Outdated tells whether a hash was made at another cost, so that it is better made anew.
func (h *Hasher) Outdated(hash string) bool {
	cost, _, _, err := parse(hash)
	return err != nil || cost != h.cost
}

// compute hashes when it is its turn.
func (h *Hasher) compute(ctx context.Context, password string, cost Cost, salt []byte) ([]byte, error) {
	select {
	case h.queue <- struct{}{}:
		defer func() { <-h.queue }()
	default:
		f := fault.New(fault.KindExhausted, fault.ReasonOverloaded, "too many passwords are waiting to be checked; try again")
		f.RetryAfter = shedFor
		return nil, f
	}
	select {
	case h.hashing <- struct{}{}:
		defer func() { <-h.hashing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	h.computed.Add(1)
	return argon2.IDKey([]byte(password), salt, cost.Passes, cost.MemoryKiB, cost.Lanes, hashBytes), nil
}

// format writes the PHC string format: $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func format(c Cost, salt, hash []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.MemoryKiB, c.Passes, c.Lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(hash))
}

// maxCost bounds what a stored hash may ask of us.
var maxCost = Cost{MemoryKiB: 1 << 20, Passes: 64, Lanes: 16}

func parse(hash string) (c Cost, salt, sum []byte, err error) {
	var version int
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return c, nil, nil, fmt.Errorf("the stored hash of a password is no argon2id")
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &c.MemoryKiB, &c.Passes, &c.Lanes); err != nil {
		return c, nil, nil, fmt.Errorf("read the stored hash of a password: %w", err)
	}
	salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	if err == nil {
		sum, err = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	}
	inBounds := c.MemoryKiB <= maxCost.MemoryKiB && c.Passes >= 1 && c.Passes <= maxCost.Passes && c.Lanes >= 1 && c.Lanes <= maxCost.Lanes
	if err != nil || version != argon2.Version || !inBounds || len(sum) != hashBytes {
		return c, nil, nil, fmt.Errorf("the stored hash of a password is damaged")
	}
	return c, salt, sum, nil
}
