// Package id gives the ids of everything stored: a UUIDv7 that carries the time it was made, the
// slot it belongs to and room for the parts of an order. It leaves names and rules to its users.
//
// The bits, from the left (RFC 9562, section 5.7):
//
//	48 milliseconds since 1970, UTC
//	 4 version, 7
//	12 slot (rand_a)
//	 2 variant, 0b10
//	46 random
//	16 part: 0 for the thing itself, n for its n-th event
//
// So ids sort by time, route themselves, and an order's events are one range of keys.
package id

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Slots is how many virtual shards there are.
const Slots = 4096

// MaxPart is the largest part of an id.
const MaxPart = 1<<16 - 1

// maxTime is the largest time that fits in 48 bits of milliseconds.
const maxTime = 1<<48 - 1

// Slot is a virtual shard, 0 to Slots-1.
type Slot uint16

// SlotOf gives the slot of a key: the first 12 bits of its SHA-256. It never changes.
func SlotOf(key string) Slot {
	sum := sha256.Sum256([]byte(key))
	return Slot(binary.BigEndian.Uint16(sum[:2]) >> 4)
}

// UUID is an id without its prefix. The zero value is no id.
type UUID [16]byte

// New makes an id for something that begins now and lives in slot.
func New(now time.Time, slot Slot) UUID {
	var random [6]byte
	_, _ = rand.Read(random[:]) // crypto/rand never fails: it ends the program instead
	return assemble(now, slot, random)
}

// Derived makes the id that seed has for ever, so that taking the same thing twice meets itself.
func Derived(created time.Time, slot Slot, seed string) UUID {
	sum := sha256.Sum256([]byte(seed))
	return assemble(created, slot, [6]byte(sum[:6]))
}

func assemble(t time.Time, slot Slot, random [6]byte) UUID {
	ms := min(max(t.UnixMilli(), 0), maxTime)
	var u UUID
	binary.BigEndian.PutUint64(u[:8], uint64(ms)<<16|0x7000|uint64(slot)&0xfff)
	copy(u[8:14], random[:])
	u[8] = u[8]&0x3f | 0x80
	return u
}

// First gives the smallest id of a moment: everything made at t or later is at or after it.
func First(t time.Time) UUID {
	var u UUID
	binary.BigEndian.PutUint64(u[:8], uint64(min(max(t.UnixMilli(), 0), maxTime))<<16)
	return u
}

// Slot tells which slot the id belongs to.
func (u UUID) Slot() Slot { return Slot(binary.BigEndian.Uint16(u[6:8]) & 0xfff) }

// Time tells when the thing began, UTC, in milliseconds.
func (u UUID) Time() time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(u[:8]) >> 16)).UTC() //nolint:gosec // 48 bits
}

// Part tells which part of a thing the id names; 0 is the thing itself.
func (u UUID) Part() int { return int(binary.BigEndian.Uint16(u[14:16])) }

// WithPart gives the id of the n-th part of the same thing, 0 to MaxPart.
func (u UUID) WithPart(n int) UUID {
	binary.BigEndian.PutUint16(u[14:16], uint16(n)) //nolint:gosec // callers stay within MaxPart
	return u
}

// IsZero tells whether this is no id at all.
func (u UUID) IsZero() bool { return u == UUID{} }

// Compare orders ids by time, then slot, then chance.
func (u UUID) Compare(other UUID) int { return strings.Compare(string(u[:]), string(other[:])) }

// alphabet is Crockford's, in lower case, as TypeID 0.3.0 has it.
var alphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// textLen is the length of an id behind its prefix: 130 bits, of which the first two are 0.
const textLen = 26

// Format writes the id as prefix_… in the TypeID format.
func (u UUID) Format(prefix string) string {
	var wide [20]byte // 160 bits are 32 digits; the last 26 hold the id
	copy(wide[4:], u[:])
	var text [32]byte
	alphabet.Encode(text[:], wide[:])
	return prefix + "_" + string(text[len(text)-textLen:])
}

// Parse reads an id with this prefix. It fails with INVALID_ID.
func Parse(prefix, text string) (UUID, error) {
	rest, ok := strings.CutPrefix(text, prefix+"_")
	if !ok || len(rest) != textLen || rest[0] > '7' {
		return UUID{}, invalid(prefix)
	}
	raw, err := alphabet.DecodeString("000000" + rest)
	if err != nil || len(raw) != 20 {
		return UUID{}, invalid(prefix)
	}
	u := UUID(raw[4:20])
	if u[6]>>4 != 7 || u[8]>>6 != 0b10 {
		return UUID{}, invalid(prefix)
	}
	return u, nil
}

func invalid(prefix string) error {
	return fault.New(fault.KindInvalid, fault.ReasonInvalidID,
		"an id of this kind is %s_ and 26 characters of base32", prefix)
}
