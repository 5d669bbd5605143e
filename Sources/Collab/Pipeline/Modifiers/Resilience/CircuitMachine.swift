/// A circuit without clock, lock or model: it is told what happens and when, and says what may happen next.
struct CircuitMachine: Sendable {
    /// What a call is admitted as, to be handed back with its outcome.
    struct Ticket: Hashable, Sendable {
        fileprivate var generation: Int
        /// Whether the call decides whether the circuit closes.
        var isProbe: Bool
    }

    private enum Phase {
        case closed(since: Duration?)
        case open(until: Duration)
        case probing(since: Duration)
    }

    /// Calls and failures within a tenth of the window.
    private struct Slot {
        var index: Int64
        var calls = 0
        var failures = 0
    }

    let rule: CircuitRule
    private var phase = Phase.closed(since: nil)
    private var slots: [Slot] = []
    private var failuresInARow = 0
    private var openings = 0
    /// Counts the changes of phase, so that what began before one does not count after it.
    private var generation = 0

    init(rule: CircuitRule) {
        self.rule = rule
    }

    func state(at now: Duration) -> CircuitState {
        switch phase {
        case .closed: .closed
        case .open(let until): until > now ? .open(until - now) : .halfOpen
        case .probing: .halfOpen
        }
    }

    /// How long until a call may pass; zero if one may now.
    func wait(at now: Duration) -> Duration {
        switch phase {
        case .closed: return .zero
        case .open(let until): return max(until - now, .zero)
        case .probing(let since):
            // A probe that never comes back must not keep the circuit open for ever.
            return max(since + rule.maximumCooldown - now, .zero)
        }
    }

    /// Lets a call through, or says how long to wait.
    mutating func admit(at now: Duration) -> Result<Ticket, Refusal> {
        let wait = wait(at: now)
        if wait > .zero { return .failure(Refusal(wait: wait, isProbing: isProbing)) }
        if case .closed(let since) = phase {
            if since == nil { phase = .closed(since: now) }
            return .success(Ticket(generation: generation, isProbe: false))
        }
        generation += 1
        phase = .probing(since: now)
        return .success(Ticket(generation: generation, isProbe: true))
    }

    struct Refusal: Error {
        var wait: Duration
        var isProbing: Bool
    }

    private var isProbing: Bool { if case .probing = phase { true } else { false } }

    /// The model answered, or refused for a reason that shows it to be well.
    mutating func succeed(_ ticket: Ticket, at now: Duration) {
        guard ticket.generation == generation else { return }
        failuresInARow = 0
        if ticket.isProbe {
            generation += 1
            phase = .closed(since: now)
            slots = []
        } else {
            count(failed: false, at: now)
        }
    }

    /// The model failed.
    ///
    /// - Parameters:
    ///   - isLasting: whether it will go on failing, so that the circuit opens at once and for long.
    ///   - draw: a number drawn evenly from [0, 1), by which circuits that open together are tried again apart.
    mutating func fail(_ ticket: Ticket, isLasting: Bool = false, at now: Duration, draw: Double) {
        guard ticket.generation == generation else { return }
        failuresInARow += 1
        if !ticket.isProbe { count(failed: true, at: now) }
        if isLasting { return open(for: rule.maximumCooldown, at: now, draw: draw) }
        if ticket.isProbe || isFailing(at: now) {
            if case .closed(let since?) = phase, now - since > rule.window { openings = 0 }
            open(for: rule.cooldown(ofOpening: openings + 1), at: now, draw: draw)
        }
    }

    /// The call ended without saying anything about the model.
    mutating func abandon(_ ticket: Ticket, at now: Duration) {
        guard ticket.generation == generation, ticket.isProbe else { return }
        // The next one is the probe then.
        generation += 1
        phase = .open(until: now)
    }

    private mutating func open(for cooldown: Duration, at now: Duration, draw: Double) {
        openings += 1
        generation += 1
        failuresInARow = 0
        slots = []
        phase = .open(until: now + cooldown * (1 + draw / 10))
    }

    // MARK: The window

    private mutating func count(failed: Bool, at now: Duration) {
        let index = slotIndex(now)
        slots.removeAll { $0.index <= index - 10 }
        if slots.last?.index != index { slots.append(Slot(index: index)) }
        slots[slots.count - 1].calls += 1
        if failed { slots[slots.count - 1].failures += 1 }
    }

    private func isFailing(at now: Duration) -> Bool {
        if rule.failuresInARow > 0, failuresInARow >= rule.failuresInARow { return true }
        let calls = slots.reduce(0) { $0 + $1.calls }
        let failures = slots.reduce(0) { $0 + $1.failures }
        return calls >= max(rule.minimumCalls, 1) && Double(failures) >= rule.failureRate * Double(calls)
    }

    private func slotIndex(_ now: Duration) -> Int64 {
        Int64((now.inSeconds / max(rule.window.inSeconds / 10, 1e-3)).rounded(.down))
    }
}
