/// Several servers of one model, asked as one.
///
/// ```swift
/// let qwen = Replicas("qwen", choosing: .leastBusy, affinity: .conversation) {
///     first
///     second
///     third
/// }
/// ```
///
/// A call goes to one of them, chosen by the policy. If it fails there in a way that another replica may not, the next
/// one is asked, each once at most; a replica that fails too often is left out for a while and then tried again with
/// one call. So a replica that is down costs no call. If none can be asked, the error lists them all and says when
/// the first will be tried again, which `retrying()` around the replicas heeds.
///
/// The access is what all replicas share: replicas that all show their logits are a ``LogitModel``.
public struct Replicas<Access: AccessLevel>: Collaboration {
    /// What to call the model.
    public let name: String
    /// Which replica a call goes to.
    public let policy: ReplicaPolicy
    /// Which calls belong together.
    public let affinity: ReplicaAffinity?
    /// What happens if a replica fails in the middle of its answer.
    public let afterOutput: AfterOutput
    /// Whether the next replica is asked if one failed that may have worked on the call, and charge for it.
    public let repeatsPossiblyBilled: Bool
    var team: Team<Access>
    let seats: [Seat]
    let table: Protected<ReplicaTable>

    /// What the replicas have in common.
    public var profile: ModelProfile { ModelProfile(of: team.textModels) }

    /// Makes a model of replicas.
    ///
    /// - Parameters:
    ///   - name: what to call the model.
    ///   - policy: which replica a call goes to.
    ///   - affinity: which calls belong together; `nil`: none.
    ///   - ejection: when a replica is left out, and when it is tried again. The only replica never is.
    ///   - afterOutput: what happens if a replica fails in the middle of its answer.
    ///   - repeatsPossiblyBilled: whether the next replica is asked if one failed that may have worked on the call.
    ///   - members: the replicas.
    public init(
        _ name: String,
        choosing policy: ReplicaPolicy = .leastBusy,
        affinity: ReplicaAffinity? = nil,
        ejection: CircuitRule = CircuitRule(),
        afterOutput: AfterOutput = .fail,
        repeatsPossiblyBilled: Bool = true,
        @TeamBuilder members: () -> TeamMembers<Access>
    ) {
        self.name = name
        self.policy = policy
        self.affinity = affinity
        self.afterOutput = afterOutput
        self.repeatsPossiblyBilled = repeatsPossiblyBilled
        team = Team(name, members: members().members)
        seats = Collab.seats(for: team.textModels)
        table = Protected(ReplicaTable(count: seats.count, policy: policy, ejection: ejection))
    }

    /// How the replicas are doing, in declaration order, by the clock of the current run.
    public var health: [ReplicaHealth] {
        let now = Run.now
        let rows = table.withLock { $0.rows }
        return zip(seats, rows).map { seat, row in
            ReplicaHealth(
                name: seat.name,
                state: row.circuit.state(at: now),
                rest: row.restsUntil.flatMap { $0 > now ? $0 - now : nil },
                underWay: row.underWay,
                calls: row.calls,
                failures: row.failures,
                latency: row.latency.map { .seconds($0) },
                lastFailure: row.lastFailure
            )
        }
    }

    /// Asks a replica, and others if it fails.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        let output = CountingSink(sink)
        return try await attempt(request, output) { (index, _) throws(CollabError) in
            let continuation = Continuation(beginning: output.delivered)
            if !continuation.beginning.isEmpty {
                Run.note(
                    "continued",
                    "by \(seats[index].name) after \(continuation.beginning.count) characters"
                )
            }
            let (start, began) = (Run.now, Protected<Duration?>(nil))
            let watched = ResponseSink(isDiscarding: sink.isDiscarding) { piece in
                let now = Run.now
                began.withLock { $0 = $0 ?? now }
                await output.entrance.send(piece)
            }
            let asked = continuation.request(for: request)
            var response = continuation.whole(
                try await seats[index].model.respond(to: asked, into: watched)
            )
            response.model = name
            return (response, (began.withLock { $0 } ?? Run.now) - start)
        }
    }

    /// Tries replicas until one does not fail.
    func attempt<Result: Sendable>(
        _ request: Request,
        _ output: CountingSink?,
        _ body: (_ index: Int, _ seat: Seat) async throws(CollabError) -> (Result, beganAfter: Duration)
    ) async throws(CollabError) -> Result {
        try validate()
        // Runs of the same seed must not all choose alike, so the number of the call counts as well.
        let ordinal = table.withLock { $0.takeOrdinal() }
        let seed = (Run.current?.drawSeed("replica of \(name)") ?? 0) ^ SeededGenerator.mix(ordinal)
        var random = SeededGenerator(seed: seed)
        let key = affinity?.key(request).map(ReplicaAffinity.hash)
        var tried: Set<Int> = []
        var last: CollabError?
        while true {
            try checkCancellation()
            let now = Run.now
            let assignment = table.withLock {
                $0.assign(excluding: tried, affinity: key, at: now, random: &random)
            }
            guard let assignment else { throw nobodyLeft(tried, last) }
            tried.insert(assignment.index)
            let seat = seats[assignment.index]
            Run.record(
                Decision(
                    choice: seat.name,
                    reason: assignment.reason,
                    asked: seat.name,
                    rule: policy.description
                )
            )
            do throws(CollabError) {
                let (result, time) = try await body(assignment.index, seat)
                let end = Run.now
                table.withLock { $0.succeed(assignment, beganAfter: time, at: end) }
                return result
            } catch {
                let (end, draw) = (Run.now, random.nextUnit())
                table.withLock { $0.fail(assignment, error, at: end, draw: draw) }
                guard goesOn(after: error, output) else { throw error.within(seat.name) }
                last = error.within(seat.name)
            }
        }
    }

    /// Whether another replica may do better.
    private func goesOn(after error: CollabError, _ output: CountingSink?) -> Bool {
        let traits = error.traits
        guard traits.isRetryable || traits.isUnhealthy || traits.isLasting || traits.isThrottling else {
            return false
        }
        if let output, output.hasDelivered, afterOutput == .fail { return false }
        return repeatsPossiblyBilled || !traits.isPossiblyBilled
    }

    private func validate() throws(CollabError) {
        try team.validate()
        if let objection = policy.objection(count: seats.count) {
            throw CollabError(.invalidRequest, "\(name) cannot choose a replica \(policy): \(objection).")
        }
    }

    /// The error that lists all replicas.
    private func nobodyLeft(_ tried: Set<Int>, _ last: CollabError?) -> CollabError {
        let now = Run.now
        let rows = table.withLock { table in
            table.rows.indices.map { (table.rows[$0], table.wait($0, at: now)) }
        }
        let members = zip(seats, rows).enumerated().map { index, pair in
            ReplicasDown.Member(
                name: pair.0.name,
                wasAsked: tried.contains(index),
                wait: pair.1.1,
                lastFailure: pair.1.0.lastFailure
            )
        }
        let down = ReplicasDown(members: members, last: last)
        // With a single replica its own error says it best.
        if members.count == 1, let last { return last }
        let code: CollabError.Code = down.areAllResting ? .rateLimited : .replicasDown
        let list = members.map(\.description).joined(separator: "; ")
        return CollabError(
            code,
            "None of the \(members.count) replicas of \(name) answered: \(list).",
            cause: down
        )
    }
}

/// What is known about replicas of which none answered.
public struct ReplicasDown: CallFailure, CustomStringConvertible {
    /// A replica.
    public struct Member: Hashable, Sendable, CustomStringConvertible {
        /// Its name.
        public var name: String
        /// Whether this call asked it, or left it out.
        public var wasAsked: Bool
        /// How long until it may be asked again; zero if it may be asked now.
        public var wait: Duration
        /// Its last failure in one line.
        public var lastFailure: String?

        /// In one line.
        public var description: String {
            let failure = lastFailure.map { ", last failure: \($0.prefix(200))" } ?? ""
            let when = wait > .zero ? ", tried again in \(wait.inMilliseconds)" : ""
            return "\(name) (\(wasAsked ? "asked" : "left out")\(when)\(failure))"
        }
    }

    /// The replicas, in declaration order.
    public var members: [Member]
    /// The failure of the replica that was asked last.
    public var last: CollabError?

    /// Whether nothing is wrong but that all ask for fewer calls.
    var areAllResting: Bool { last.map { $0.traits.isThrottling && !$0.traits.isUnhealthy } ?? false }

    /// Worth another attempt when the first replica is tried again.
    public var traits: FailureTraits {
        let wait = members.map(\.wait).min() ?? .zero
        return FailureTraits(
            isRetryable: last?.traits.isRetryable ?? true,
            isUnhealthy: true,
            isThrottling: areAllResting,
            isPossiblyBilled: last?.traits.isPossiblyBilled ?? false,
            retryAfter: wait > .zero ? wait : nil
        )
    }

    /// Each replica in one line.
    public var description: String { members.map(\.description).joined(separator: "\n") }
}

extension ReplicaAffinity {
    /// FNV-1a.
    static func hash(_ key: String) -> UInt64 {
        key.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
