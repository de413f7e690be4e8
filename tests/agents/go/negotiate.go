package main

// terms is the body of a cfp or a propose.
type terms struct {
	Task   field `json:"task"`
	Price  field `json:"price"`
	Refuse field `json:"refuse"`
	Silent field `json:"silent"`
}

// call answers a cfp at once, later, or not at all.
func call(message *incoming) int32 {
	var terms terms
	readField(message.Content, &terms)
	switch {
	case config.refuses || isTrue(terms.Refuse):
		return message.refuse("no time")
	case config.silent || isTrue(terms.Silent):
		return 0
	case config.delay == 0:
		return propose(message)
	}
	if why := putOff(later{message: message, job: propose}, config.delay); why != "" {
		return message.refuse(why)
	}
	return 0
}

// propose makes a proposal, unless the price that is called is above the limit.
func propose(message *incoming) int32 {
	var terms terms
	readField(message.Content, &terms)
	called, isCalled := numberOf(terms.Price)
	price := config.price
	switch {
	case isAuction(message):
		if !isCalled || called.value > config.limit.value {
			return 0
		}
		price = called
	case isCalled && message.protocol() == "fipa-iterated-contract-net":
		price = config.limit
		if called.value > price.value {
			price = called
		}
	}
	proposal := object{"price": price}
	if len(terms.Task) > 0 {
		proposal["task"] = terms.Task
	}
	if config.twice {
		message.reply("propose", proposal)
	}
	return message.reply("propose", proposal)
}

// accepted does what was proposed. In an auction nothing is due yet: the winner gets a request.
func accepted(message *incoming) int32 {
	if isAuction(message) {
		return 0
	}
	if config.fails {
		return message.fail("it broke")
	}
	return message.reply("inform", object{"result": object{"done": message.Content.orNull()}})
}

// offer answers an offer. One that belongs to a contract net which is over comes too late.
func offer(message *incoming) int32 {
	if message.protocol() == contractNet {
		return message.reject("too late")
	}
	var terms terms
	readField(message.Content, &terms)
	if price, is := numberOf(terms.Price); is && price.value <= config.limit.value {
		return message.accept()
	}
	return message.reject("too much")
}

func isAuction(message *incoming) bool {
	protocol := message.protocol()
	return protocol == "fipa-auction-english" || protocol == "fipa-auction-dutch"
}
