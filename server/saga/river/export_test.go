package river

// Draining tells whether every shard has begun to stop.
func (e *Engine) Draining() bool {
	for _, s := range e.shards {
		if !s.draining.Load() {
			return false
		}
	}
	return true
}
