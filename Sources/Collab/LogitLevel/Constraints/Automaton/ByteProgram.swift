/// A grammar as a machine that reads bytes: for each rule a nondeterministic automaton, which may call other rules.
///
/// It is Thompson's construction (K. Thompson, *Regular Expression Search Algorithm*, 1968) with calls and returns, that
/// is a recursive transition network (W. Woods, *Transition Network Grammars*, 1970).
struct ByteProgram: Sendable {
    /// A step over one byte.
    struct Edge: Sendable {
        var bytes: ClosedRange<UInt8>
        var target: Int32
    }

    /// A place in a rule.
    struct State: Sendable {
        /// Steps over a byte.
        var edges: [Edge] = []
        /// Steps over nothing.
        var jumps: [Int32] = []
        /// A rule to be followed first, and the place after it.
        var call: (rule: Int, next: Int32)?
        /// Whether the rule can end here.
        var isEnd = false
    }

    /// How many states a program may have.
    static let mostStates = 100_000
    /// How deep rules may be nested.
    static let deepest = 64

    private(set) var states: [State]
    /// Where the whole text begins.
    let root: Int32
    /// Where each rule begins.
    let starts: [Int32]
    /// How much deeper rules must be nested before a state's rule can end; `Int32.max` where it never can.
    let depths: [Int32]
    /// Whether nothing but the rule's end comes after a state.
    let isOver: [Bool]

    /// Compiles a grammar.
    ///
    /// Throws ``CollabError/Code/invalidConstraint`` for a rule that is missing or begins with itself, for repetition out
    /// of range, and for a grammar of no text, and ``CollabError/Code/unsupported`` for one that is too large.
    init(_ grammar: Grammar) throws(CollabError) {
        let names = grammar.rules.keys.sorted()
        var builder = ByteProgramBuilder(names)
        root = try builder.buildRule(grammar.root)
        var starts: [Int32] = []
        for name in names {
            starts.append(try builder.buildRule(grammar.rules[name] ?? .nothing))
        }
        let states = builder.states
        self.states = states
        self.starts = starts
        isOver = Self.findOver(states)
        depths = Self.findDepths(states, starts, isOver)
        if depths[Int(root)] == .max {
            throw CollabError(.invalidConstraint, "There is no text that the constraint allows.")
        }
        try Self.refuseLeftRecursion(states, starts, names)
    }

    // MARK: Analysis

    private static func findOver(_ states: [State]) -> [Bool] {
        var isOver = states.map { $0.isEnd && $0.edges.isEmpty && $0.jumps.isEmpty && $0.call == nil }
        var changes = true
        while changes {
            changes = false
            for (index, state) in states.enumerated() where !isOver[index] {
                guard state.edges.isEmpty, state.call == nil, !state.jumps.isEmpty else { continue }
                if state.jumps.allSatisfy({ isOver[Int($0)] }) {
                    isOver[index] = true
                    changes = true
                }
            }
        }
        return isOver
    }

    private static func findDepths(_ states: [State], _ starts: [Int32], _ isOver: [Bool]) -> [Int32] {
        var depths = [Int32](repeating: .max, count: states.count)
        var changes = true
        while changes {
            changes = false
            // Later states are mostly in front of earlier ones, so this order needs few rounds.
            for (index, state) in states.enumerated() {
                var depth = state.isEnd ? 0 : Int32.max
                for edge in state.edges { depth = min(depth, depths[Int(edge.target)]) }
                for target in state.jumps { depth = min(depth, depths[Int(target)]) }
                if let (rule, next) = state.call {
                    let (inner, rest) = (depths[Int(starts[rule])], depths[Int(next)])
                    if inner < .max, rest < .max {
                        depth = min(depth, max(isOver[Int(next)] ? inner : inner + 1, rest))
                    }
                }
                if depth < depths[index] {
                    depths[index] = depth
                    changes = true
                }
            }
        }
        return depths
    }

    /// Throws if a rule can come to itself before a byte has been read, which would never end.
    private static func refuseLeftRecursion(
        _ states: [State],
        _ starts: [Int32],
        _ names: [String]
    ) throws(CollabError) {
        var canBeEmpty = [Bool](repeating: false, count: starts.count)
        var callees: [Set<Int>] = []
        var changes = true
        while changes {
            changes = false
            callees = []
            for (rule, start) in starts.enumerated() {
                var (seen, work, called): (Set<Int32>, [Int32], Set<Int>) = ([start], [start], [])
                while let place = work.popLast() {
                    let state = states[Int(place)]
                    if state.isEnd, !canBeEmpty[rule] {
                        canBeEmpty[rule] = true
                        changes = true
                    }
                    var targets = state.jumps
                    if let (callee, next) = state.call {
                        called.insert(callee)
                        if canBeEmpty[callee] { targets.append(next) }
                    }
                    for target in targets where seen.insert(target).inserted { work.append(target) }
                }
                callees.append(called)
            }
        }
        for rule in starts.indices {
            var (seen, work): (Set<Int>, [Int]) = ([], Array(callees[rule]))
            while let callee = work.popLast() {
                if callee == rule {
                    throw CollabError(
                        .invalidConstraint,
                        "The rule “\(names[rule])” begins with itself; let it begin with other text."
                    )
                }
                if seen.insert(callee).inserted { work += callees[callee] }
            }
        }
    }
}

/// Builds the states of a program from the ends of patterns to their beginnings.
struct ByteProgramBuilder {
    private(set) var states: [ByteProgram.State] = []
    private let rules: [String: Int]
    /// What sets have been found to be in UTF-8; repetitions build the same set many times.
    private var encodings: [ScalarSet: [[ClosedRange<UInt8>]]] = [:]

    init(_ names: [String]) {
        rules = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    }

    /// Builds a rule; where it begins.
    mutating func buildRule(_ pattern: Grammar.Pattern) throws(CollabError) -> Int32 {
        let end = try add(ByteProgram.State(isEnd: true))
        return try build(pattern, before: end)
    }

    private mutating func add(_ state: ByteProgram.State) throws(CollabError) -> Int32 {
        if states.count == ByteProgram.mostStates {
            throw CollabError(
                .unsupported,
                """
                The constraint is too large for an automaton (more than \(ByteProgram.mostStates) states); use smaller \
                bounds of repetitions and lengths, or none.
                """
            )
        }
        states.append(state)
        return Int32(states.count - 1)
    }

    /// Builds a pattern; where it begins, which is where it ends if it is nothing but the empty text.
    private mutating func build(
        _ pattern: Grammar.Pattern,
        before next: Int32
    ) throws(CollabError) -> Int32 {
        switch pattern {
        case .text(let text):
            var next = next
            for byte in text.utf8.reversed() {
                next = try add(ByteProgram.State(edges: [ByteProgram.Edge(bytes: byte...byte, target: next)]))
            }
            return next
        case .scalar(let set): return try build(set, before: next)
        case .sequence(let parts):
            var next = next
            for part in parts.reversed() { next = try build(part, before: next) }
            return next
        case .choice(let alternatives):
            var jumps: [Int32] = []
            for alternative in alternatives { jumps.append(try build(alternative, before: next)) }
            if !jumps.isEmpty, jumps.allSatisfy({ $0 == next }) { return next }
            return try add(ByteProgram.State(jumps: jumps))
        case .repetition(let part, let least, let most):
            return try build(part, least, most, before: next)
        case .rule(let name):
            guard let rule = rules[name] else {
                throw CollabError(.invalidConstraint, "The grammar has no rule “\(name)”.")
            }
            return try add(ByteProgram.State(call: (rule, next)))
        }
    }

    private mutating func build(
        _ part: Grammar.Pattern,
        _ least: Int,
        _ most: Int?,
        before next: Int32
    ) throws(CollabError) -> Int32 {
        guard least >= 0, most ?? least >= least else {
            throw CollabError(
                .invalidConstraint,
                "Something is to be repeated at least \(least) and at most \(most ?? least) times."
            )
        }
        // The empty text is built once however often it is repeated: it adds no state, so nothing else would end the
        // building of repetitions within repetitions.
        var entry: Int32
        if let most {
            entry = next
            for _ in 0..<most - least {
                let once = try build(part, before: entry)
                if once == entry { return next }
                entry = try add(ByteProgram.State(jumps: [once, next]))
            }
        } else {
            entry = try add(ByteProgram.State())
            let once = try build(part, before: entry)
            if once == entry {
                states.removeLast()
                return next
            }
            states[Int(entry)].jumps = [once, next]
        }
        for _ in 0..<least {
            let once = try build(part, before: entry)
            if once == entry { break }
            entry = once
        }
        return entry
    }

    private mutating func build(_ set: ScalarSet, before next: Int32) throws(CollabError) -> Int32 {
        var first = ByteProgram.State()
        // What different scalars end with alike is built once.
        var known: [[ClosedRange<UInt8>]: Int32] = [[]: next]
        let encodings = encodings[set] ?? set.encodings
        self.encodings[set] = encodings
        for encoding in encodings {
            var target = next
            for place in encoding.indices.reversed().dropLast() {
                let tail = Array(encoding[place...])
                if let state = known[tail] {
                    target = state
                } else {
                    target = try add(
                        ByteProgram.State(edges: [ByteProgram.Edge(bytes: encoding[place], target: target)])
                    )
                    known[tail] = target
                }
            }
            first.edges.append(ByteProgram.Edge(bytes: encoding[0], target: target))
        }
        return try add(first)
    }
}
