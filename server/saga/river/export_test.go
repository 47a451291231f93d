package river

import "context"

// Draining tells whether every shard has begun to stop.
func (e *Engine) Draining() bool {
	for _, s := range e.shards {
		if !s.draining() {
			return false
		}
	}
	return true
}

// NewTurns are those of a shard.
var NewTurns = newTurns

// Take is take.
func (t *turns) Take(ctx context.Context) (end func()) { return t.take(ctx) }

// LongestTurn is longestTurn.
const LongestTurn = longestTurn
