/// Masks the tokens that would lead away from a constraint.
struct ConstraintProcessor: LogitProcessor {
    /// Where an answer is.
    struct State: Sendable {
        var situation: ByteAutomaton.Situation
        /// Whether an end token has been written.
        var isOver = false
    }

    let constraint: Constraint
    let tokenizer: any Tokenizer
    let trie: TokenTrie
    let endTokens: Set<TokenID>

    init(_ constraint: Constraint, _ tokenizer: any Tokenizer) {
        self.constraint = constraint
        self.tokenizer = tokenizer
        trie = TokenTrie.shared(for: tokenizer)
        endTokens = tokenizer.endTokens
    }

    var name: String { constraint.name }

    func start(after prompt: [TokenID]) -> State { State(situation: constraint.automaton.start) }

    func advance(_ state: inout State, by token: TokenID) throws(CollabError) {
        if endTokens.contains(token) {
            guard state.situation.isComplete else { throw forbidden(token) }
            state.isOver = true
            return
        }
        let bytes = tokenizer.isControl(token) ? [] : tokenizer.bytes(of: token)
        guard !state.isOver, !bytes.isEmpty,
            let next = try constraint.automaton.advance(state.situation, by: bytes)
        else { throw forbidden(token) }
        state.situation = next
    }

    func process(_ logits: inout Logits, in state: State) throws(CollabError) {
        let mask = try mask(in: state)
        if mask.isEmpty {
            throw CollabError(
                .nothingToSample,
                """
                No token goes on with what \(constraint.name) demands here: the vocabulary cannot spell it. Allow other \
                texts.
                """
            )
        }
        mask.apply(to: &logits)
    }

    /// The tokens that can come after a state; none where the vocabulary cannot spell what is demanded.
    func mask(in state: State) throws(CollabError) -> TokenMask {
        var mask = TokenMask(count: trie.vocabularySize)
        if !state.isOver, state.situation.canGoOn {
            mask = try constraint.automaton.mask(of: state.situation, over: trie)
            mask.remove(endTokens)
        }
        if state.situation.isComplete { mask.insert(endTokens) }
        return mask
    }

    private func forbidden(_ token: TokenID) -> CollabError {
        let spelling = String(decoding: tokenizer.bytes(of: token), as: UTF8.self)
        return CollabError(
            .invalidRequest,
            "The token \(token) (“\(spelling)”) cannot come here: the answer is constrained to \(constraint.name)."
        )
    }
}
