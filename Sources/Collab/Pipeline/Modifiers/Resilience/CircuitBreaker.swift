/// Keeps calls away from a model that fails, and lets one through now and then to see whether it is well again.
///
/// Several models that share a server can share a breaker: `model.circuitBreaking(breaker)`.
public final class CircuitBreaker: Sendable {
    /// When it opens, and when it is tried again.
    public let rule: CircuitRule
    private let machine: Protected<CircuitMachine>

    /// Makes a closed circuit.
    public init(_ rule: CircuitRule = CircuitRule()) {
        self.rule = rule
        machine = Protected(CircuitMachine(rule: rule))
    }

    /// What it lets through now, by the clock of the current run.
    public var state: CircuitState {
        let now = Run.now
        return machine.withLock { $0.state(at: now) }
    }

    /// Lets a call through, or throws ``CollabError/Code/circuitOpen``.
    func admit(_ name: String) throws(CollabError) -> CircuitMachine.Ticket {
        let now = Run.now
        switch machine.withLock({ $0.admit(at: now) }) {
        case .success(let ticket): return ticket
        case .failure(let refusal):
            let when =
                refusal.isProbing
                ? "It is being tried right now."
                : "It will be tried again in \(refusal.wait.inMilliseconds)."
            throw CollabError(
                .circuitOpen,
                "\(name) has failed too often and was not asked. \(when)",
                cause: OpenCircuit(wait: refusal.isProbing ? rule.cooldown : refusal.wait)
            )
        }
    }

    func succeed(_ ticket: CircuitMachine.Ticket) {
        let now = Run.now
        machine.withLock { $0.succeed(ticket, at: now) }
    }

    func fail(_ ticket: CircuitMachine.Ticket, _ error: CollabError, draw: Double) {
        let (now, traits, isSurvivable) = (Run.now, error.traits, error.isSurvivable)
        machine.withLock { machine in
            if traits.isUnhealthy || traits.isLasting {
                machine.fail(ticket, isLasting: traits.isLasting, at: now, draw: draw)
            } else if isSurvivable {
                machine.succeed(ticket, at: now)
            } else {
                machine.abandon(ticket, at: now)
            }
        }
    }
}

/// What is known about a call that an open circuit kept from being made.
public struct OpenCircuit: CallFailure, CustomStringConvertible {
    /// How long until the model is tried again.
    public var wait: Duration

    /// Not sent, not billed; worth another attempt when the circuit is tried again.
    public var traits: FailureTraits { FailureTraits(isRetryable: true, retryAfter: wait) }
    /// In one line.
    public var description: String { "not sent, since the circuit is open" }
}
