extension Talk {
    /// What went from one member to another in a round.
    public struct Edge: Hashable, Sendable, Codable {
        /// Whose statements were shown.
        public var from: String
        /// To whom.
        public var to: String
        /// The round in which the listener answered.
        public var round: Int
        /// How many statements.
        public var messages: Int
        /// How long they are together, in tokens, as far as their authors' models counted.
        public var tokens: Int

        /// Makes an edge.
        public init(from: String, to: String, round: Int, messages: Int, tokens: Int) {
            self.from = from
            self.to = to
            self.round = round
            self.messages = messages
            self.tokens = tokens
        }
    }

    /// What was exchanged, by round, listener and author: the turns' in their order, then the remarks'.
    public var edges: [Edge] {
        var edges: [Edge] = []
        for turn in turns + remarks {
            for message in turn.messages ?? [] {
                let tokens = message.tokens ?? 0
                let place = edges.firstIndex {
                    $0.from == message.author && $0.to == turn.speaker && $0.round == turn.round
                }
                if let place {
                    edges[place].messages += 1
                    edges[place].tokens += tokens
                } else {
                    edges.append(
                        Edge(
                            from: message.author,
                            to: turn.speaker,
                            round: turn.round,
                            messages: 1,
                            tokens: tokens
                        )
                    )
                }
            }
        }
        return edges
    }

    /// How many statements were shown, and how many of them said something that no other one said to the same member in
    /// the same turn.
    var forwarded: (messages: Int, distinct: Int) {
        (turns + remarks).reduce((0, 0)) { sum, turn in
            let messages = turn.messages ?? []
            let parsed = Set(messages.map(\.answer).filter(\.isParsed)).count
            return (sum.0 + messages.count, sum.1 + parsed + messages.count { !$0.answer.isParsed })
        }
    }

    /// The share of the statements shown that repeated an answer which another one gave to the same member in the same
    /// turn: 1 − distinct answers ∕ messages; `nil` if nothing was shown.
    public var redundancy: Double? {
        let (messages, distinct) = forwarded
        return messages > 0 ? Double(messages - distinct) / Double(messages) : nil
    }
}
