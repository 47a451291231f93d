// Package ratelimit says how often something may be done: token buckets with one behaviour, wherever
// they are kept. What is counted, and under which key, is up to whoever asks.
package ratelimit

import (
	"context"
	"time"
)

// Limit is how a bucket fills: PerMinute tokens a minute, evenly, until it holds Burst. Both are 1 or
// more.
type Limit struct {
	PerMinute int
	Burst     int
}

// Every is the time in which one token comes: whole microseconds, as Redis counts them.
func (l Limit) Every() time.Duration {
	return max((time.Minute / time.Duration(l.PerMinute)).Round(time.Microsecond), time.Microsecond)
}

// Window is the time in which an empty bucket fills.
func (l Limit) Window() time.Duration { return time.Duration(l.Burst) * l.Every() }

// Times gives the limit by a factor, and at least a token a minute.
func (l Limit) Times(factor float64) Limit {
	scaled := func(n int) int { return max(1, int(float64(n)*factor)) }
	return Limit{PerMinute: scaled(l.PerMinute), Burst: scaled(l.Burst)}
}

// Result is what became of taking tokens.
type Result struct {
	OK         bool          // they were taken; else none was
	Limit      Limit         // that was applied
	Remaining  int           // tokens that are left
	Reset      time.Duration // until the bucket is full, if nobody takes any
	RetryAfter time.Duration // until there are enough; 0 when OK
}

// Buckets keeps token buckets, one for each key. A key that was never heard of has a full bucket, and
// so one that is full need not be kept. Implementations are safe for concurrent use.
type Buckets interface {
	// Take takes tokens out of the bucket of a key, all or none. More than the burst counts as the
	// burst, else it could never be had; 0 only looks, and less than 0 gives tokens back.
	Take(ctx context.Context, key string, limit Limit, tokens int) (Result, error)
}

// Bucket is the state of a bucket: when it will be full. It counts from wherever its keeper does.
type Bucket time.Duration

// Take is the arithmetic of every bucket that is kept in this process; Redis has it in take.lua.
func (b Bucket) Take(now time.Duration, limit Limit, tokens int) (Bucket, Result) {
	every, window := limit.Every(), limit.Window()
	// Not later than after a whole window: the limit may have been larger when tokens were taken.
	full := min(max(time.Duration(b), now), now+window)
	after := max(full+time.Duration(min(tokens, limit.Burst))*every, now)
	if after > now+window {
		return Bucket(full), Answer(limit, full-now, after-now-window)
	}
	return Bucket(after), Answer(limit, after-now, 0)
}

// Answer is the result for a bucket that is full after reset, and has enough tokens after retryAfter.
func Answer(limit Limit, reset, retryAfter time.Duration) Result {
	return Result{
		OK: retryAfter <= 0, Limit: limit, Reset: reset, RetryAfter: max(retryAfter, 0),
		Remaining: int((limit.Window() - reset) / limit.Every()),
	}
}
