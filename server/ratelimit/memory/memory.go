// Package memory keeps token buckets in this process, in bounded room.
package memory

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"github.com/orderprocessing/orderprocessing/server/ratelimit"
)

// parts is into how many the buckets are divided, each with a lock of its own.
const parts = 64

// sample is how many buckets are looked at to find the one that gives way.
const sample = 8

// Buckets is a ratelimit.Buckets. go-limiter's own memory store is not used: it fills a bucket all at
// once at the end of an interval, takes one token at a time, and keeps as many keys as come.
type Buckets struct {
	now   func() time.Time
	begin time.Time
	seed  maphash.Seed
	most  int // of one part
	parts [parts]part
}

// part holds buckets by the hash of their key: a key costs 16 bytes however long it is, and nobody
// outside can know two keys that share one.
type part struct {
	mu      sync.Mutex
	buckets map[uint64]ratelimit.Bucket
}

// New makes room for about so many buckets. When it is full, a bucket that is full or nearly so gives
// way: that forgets nothing, or little.
func New(most int, now func() time.Time) *Buckets {
	b := &Buckets{now: now, begin: now(), seed: maphash.MakeSeed(), most: max(most/parts, 1)}
	for i := range b.parts {
		b.parts[i].buckets = map[uint64]ratelimit.Bucket{}
	}
	return b
}

// Take implements ratelimit.Buckets. It never fails.
func (b *Buckets) Take(_ context.Context, key string, limit ratelimit.Limit, tokens int) (ratelimit.Result, error) {
	hash := maphash.String(b.seed, key)
	now := b.now().Sub(b.begin) // monotonic: setting the clock changes nothing
	p := &b.parts[hash%parts]
	p.mu.Lock()
	defer p.mu.Unlock()
	before, known := p.buckets[hash]
	after, result := before.Take(now, limit, tokens)
	if time.Duration(after) <= now {
		delete(p.buckets, hash) // full, as one that is not kept
		return result, nil
	}
	if !known && len(p.buckets) >= b.most {
		p.evict(now)
	}
	p.buckets[hash] = after
	return result, nil
}

// Len tells how many buckets are kept.
func (b *Buckets) Len() int {
	n := 0
	for i := range b.parts {
		b.parts[i].mu.Lock()
		n += len(b.parts[i].buckets)
		b.parts[i].mu.Unlock()
	}
	return n
}

// evict removes, of a few that the map's random order gives, all that are full, or else the fullest.
func (p *part) evict(now time.Duration) {
	var fullest uint64
	var least time.Duration
	removed, seen := false, 0
	for hash, bucket := range p.buckets {
		at := time.Duration(bucket)
		if at <= now {
			delete(p.buckets, hash)
			removed = true
		} else if least == 0 || at < least {
			fullest, least = hash, at
		}
		if seen++; seen == sample {
			break
		}
	}
	if !removed {
		delete(p.buckets, fullest)
	}
}
