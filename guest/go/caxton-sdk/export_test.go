package caxton

// Forget forgets all that has been registered, so that each test has an agent of its own.
func Forget() { agent = registered{} }
