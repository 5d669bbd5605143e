#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What is known about the replicas of a model, and who is asked next: without clock, lock or model.
struct ReplicaTable: Sendable {
    struct Row: Sendable {
        var circuit: CircuitMachine
        var underWay = 0
        var calls = 0
        var failures = 0
        /// The mean time until an answer began, in seconds, as of `measured`.
        var latency: Double?
        var measured = Duration.zero
        /// The server asked to be left alone until then.
        var restsUntil: Duration?
        var lastFailure: String?
    }

    /// A call that has been assigned.
    struct Assignment: Sendable {
        var index: Int
        var ticket: CircuitMachine.Ticket
        var reason: String
    }

    private(set) var rows: [Row]
    let policy: ReplicaPolicy
    /// After so long without a call, half of what is known about a latency is forgotten.
    static let halfLife = 30.0
    private var turn = 0
    private var ordinal: UInt64 = 0

    init(count: Int, policy: ReplicaPolicy, ejection: CircuitRule) {
        var rule = ejection
        if count == 1 {
            // There is nobody else to ask: the last one is never left out.
            rule.failuresInARow = 0
            rule.minimumCalls = .max
        }
        rows = Array(repeating: Row(circuit: CircuitMachine(rule: rule)), count: count)
        self.policy = policy
    }

    /// The number of a call, from 0.
    mutating func takeOrdinal() -> UInt64 {
        defer { ordinal += 1 }
        return ordinal
    }

    /// How long until a replica may be asked; zero if it may now.
    func wait(_ index: Int, at now: Duration) -> Duration {
        let row = rows[index]
        // Even a replica that asked for rest is asked if there is no other.
        let rest = rows.count == 1 ? .zero : max((row.restsUntil ?? now) - now, .zero)
        return max(rest, rows.count == 1 ? .zero : row.circuit.wait(at: now))
    }

    /// Chooses a replica that has not been tried yet and may be asked.
    mutating func assign(
        excluding tried: Set<Int>,
        affinity: UInt64?,
        at now: Duration,
        random: inout SeededGenerator
    ) -> Assignment? {
        let ready = rows.indices.filter { !tried.contains($0) && wait($0, at: now) <= .zero }
        guard !ready.isEmpty else { return nil }
        // One that is due to be tried again is given the next call: a healthy one never waits for it, since a failed
        // probe goes on to the others.
        let due = ready.first { rows[$0].circuit.state(at: now) != .closed }
        let (index, reason): (Int, String)
        if let due {
            (index, reason) = (due, "to see whether it is well again")
        } else if let affinity, let home = home(of: affinity, among: ready) {
            (index, reason) = (home, "asked before for what begins alike")
        } else {
            (index, reason) = (choose(among: ready, at: now, random: &random), policy.description)
        }
        let ticket: CircuitMachine.Ticket
        switch rows[index].circuit.admit(at: now) {
        case .success(let admitted): ticket = admitted
        case .failure: return nil
        }
        rows[index].underWay += 1
        rows[index].calls += 1
        return Assignment(index: index, ticket: ticket, reason: reason)
    }

    private mutating func choose(
        among ready: [Int],
        at now: Duration,
        random: inout SeededGenerator
    ) -> Int {
        func least(_ cost: (Int) -> Double) -> Int {
            let costs = ready.map(cost)
            let lowest = costs.min() ?? 0
            let best = zip(ready, costs).filter { $0.1 <= lowest }.map(\.0)
            return best[Int(random.nextUnit() * Double(best.count))]
        }
        switch policy.kind {
        case .leastBusy:
            let first = Int(random.nextUnit() * Double(ready.count))
            guard ready.count > 1 else { return ready[first] }
            let second = (first + 1 + Int(random.nextUnit() * Double(ready.count - 1))) % ready.count
            return rows[ready[second]].underWay < rows[ready[first]].underWay ? ready[second] : ready[first]
        case .roundRobin:
            let next = ready.first { $0 >= turn } ?? ready[0]
            turn = (next + 1) % rows.count
            return next
        case .lowestLatency:
            return least { latency(of: $0, at: now) * Double(rows[$0].underWay + 1) }
        case .weighted(let weights):
            var left = random.nextUnit() * ready.reduce(0) { $0 + weights[$1] }
            for index in ready {
                left -= weights[index]
                if left < 0 { return index }
            }
            // Only those without weight are left: better one of them than none.
            return ready.last { weights[$0] > 0 } ?? ready[0]
        case .cheapest(let prices):
            func price(_ index: Int) -> Double {
                prices[index].promptPerMillion + prices[index].completionPerMillion
            }
            let lowest = ready.map(price).min() ?? 0
            return least { price($0) <= lowest ? Double(rows[$0].underWay) : .infinity }
        }
    }

    /// The expected time until an answer begins; one that has not been asked for long may have become faster.
    private func latency(of index: Int, at now: Duration) -> Double {
        guard let latency = rows[index].latency else { return 0 }
        return latency * exp2(-(now - rows[index].measured).inSeconds / Self.halfLife)
    }

    /// The replica where calls of a key go: that with the highest hash of both (rendezvous hashing), so that only the
    /// keys of one that leaves move; `nil` if it has a quarter more to do than its share.
    private func home(of key: UInt64, among ready: [Int]) -> Int? {
        let home = ready.max { weight($0, key) < weight($1, key) }
        let share = Double(ready.reduce(0) { $0 + rows[$1].underWay } + 1) / Double(ready.count)
        return home.flatMap { Double(rows[$0].underWay) < (share * 1.25).rounded(.up) ? $0 : nil }
    }

    private func weight(_ index: Int, _ key: UInt64) -> UInt64 {
        var generator = SeededGenerator(seed: key ^ (UInt64(index) &+ 1) &* 0x9e37_79b9_7f4a_7c15)
        return generator.next()
    }

    // MARK: Outcomes

    /// The replica answered; its answer began after so long.
    mutating func succeed(_ assignment: Assignment, beganAfter time: Duration, at now: Duration) {
        let index = assignment.index
        rows[index].underWay -= 1
        rows[index].circuit.succeed(assignment.ticket, at: now)
        let seconds = max(time.inSeconds, 0)
        let mean = rows[index].latency ?? seconds
        // A peak counts at once, an improvement bit by bit, but the more the older the mean is.
        let share = max(0.3, 1 - exp2(-(now - rows[index].measured).inSeconds / Self.halfLife))
        rows[index].latency = seconds > mean ? seconds : mean + (seconds - mean) * share
        rows[index].measured = now
    }

    /// The call failed. Its time says nothing about the replica's: one that fails at once is not fast.
    mutating func fail(_ assignment: Assignment, _ error: CollabError, at now: Duration, draw: Double) {
        let (index, traits) = (assignment.index, error.traits)
        rows[index].underWay -= 1
        guard error.isSurvivable else { return rows[index].circuit.abandon(assignment.ticket, at: now) }
        rows[index].failures += 1
        rows[index].lastFailure = "\(error.code): \(error.message)"
        if traits.isThrottling { rows[index].restsUntil = now + (traits.rest ?? .seconds(1)) }
        if traits.isUnhealthy || traits.isLasting {
            rows[index].circuit.fail(
                assignment.ticket,
                isLasting: traits.isLasting,
                at: now,
                draw: draw
            )
        } else {
            rows[index].circuit.succeed(assignment.ticket, at: now)
        }
    }
}
