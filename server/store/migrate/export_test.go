package migrate

// LockKey is for tests that take the lock themselves.
const LockKey = lockKey
