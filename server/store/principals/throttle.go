package principals

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/loginthrottle"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/database"
)

const (
	// freeTries is how many logins may fail in a row without a pause.
	freeTries = 5
	// firstPause is the pause after those; it doubles with every failure, up to longestPause. So an
	// account takes a few hundred guesses a day, and its owner waits minutes at most.
	firstPause   = time.Second
	longestPause = 5 * time.Minute
	// forgetAfter is how long after the last try the tries are forgotten.
	forgetAfter = 15 * time.Minute
	// races is how often a try is counted again after others did at the same moment.
	races = 10
)

// TryLogin counts a try to log in, before it is known whether it succeeds, so that tries at the same
// time count too. It fails with LOGIN_THROTTLED, counting nothing, while the bucket pauses.
func (s *Store) TryLogin(ctx context.Context, bucket int, now time.Time) error {
	for range races {
		row, err := s.write.LoginThrottle.Get(ctx, bucket)
		if err != nil && !db.IsNotFound(err) {
			return fromDriver(err)
		}
		if row == nil {
			err := s.write.LoginThrottle.Create().SetID(bucket).SetTries(1).SetFreeTime(now).SetUpdateTime(now).SetVersion(1).Exec(ctx)
			if database.Classify(err) == database.Unique {
				continue
			}
			return fromDriver(err)
		}
		if wait := row.FreeTime.Sub(now); wait > 0 {
			return throttled(wait)
		}
		tries := row.Tries + 1
		if now.Sub(row.UpdateTime) > forgetAfter {
			tries = 1
		}
		counted, err := s.write.LoginThrottle.Update().Where(loginthrottle.ID(bucket), loginthrottle.Version(row.Version)).
			SetTries(tries).SetFreeTime(now.Add(pauseAfter(tries))).SetUpdateTime(now).AddVersion(1).Save(ctx)
		if err != nil || counted == 1 {
			return fromDriver(err)
		}
	}
	return throttled(firstPause)
}

// ForgiveLogins forgets the tries of a bucket, after one that succeeded.
func (s *Store) ForgiveLogins(ctx context.Context, bucket int, now time.Time) error {
	_, err := s.write.LoginThrottle.Update().Where(loginthrottle.ID(bucket)).
		SetTries(0).SetFreeTime(now).SetUpdateTime(now).AddVersion(1).Save(ctx)
	return fromDriver(err)
}

// pauseAfter is how long to pause after so many tries.
func pauseAfter(tries int) time.Duration {
	if tries < freeTries {
		return 0
	}
	return min(firstPause<<min(tries-freeTries, 16), longestPause)
}

func throttled(wait time.Duration) error {
	f := fault.New(fault.KindExhausted, fault.ReasonLoginThrottled, "too many logins failed for this address; wait before the next")
	f.RetryAfter = wait
	return f
}
