public import Collab

/// A model that answers from a cassette: same questions, same answers, no model.
///
/// Equal calls that were recorded several times are replayed in the order of their recording. A call that was not
/// recorded is an error that names the nearest recorded one, so that a changed prompt shows at once.
public struct ReplayModel: TextModel {
    /// The name under which the calls were recorded.
    public let name: String
    /// Nothing is sent anywhere.
    public let profile = ModelProfile(locality: .local)
    private let player: CassettePlayer
    private let pace: Pace

    /// How fast the answers come.
    public enum Pace: Hashable, Sendable {
        /// At once.
        case immediate
        /// As slowly as they came when they were recorded, piece by piece, on the clock of the run.
        case asRecorded
    }

    /// Replays the calls of one model.
    public init(_ name: String, from player: CassettePlayer, pace: Pace = .immediate) {
        self.name = name
        self.player = player
        self.pace = pace
    }

    /// Replays the calls of one model from a cassette of its own.
    public init(_ name: String, from cassette: Cassette, pace: Pace = .immediate) {
        self.init(name, from: CassettePlayer(cassette), pace: pace)
    }

    /// Answers as recorded.
    ///
    /// Throws ``CollabError/Code/replayMiss`` if the call was not recorded, and the recorded error if it failed then.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try await player.next(CallKey(model: name, request: Run.asked(request))).replay(at: pace, into: sink)
    }
}

extension Cassette.Entry {
    /// Gives the recorded answer, or the recorded error.
    func replay(at pace: ReplayModel.Pace, into sink: ResponseSink) async throws(CollabError) -> Response {
        let start = Run.now
        func wait(until seconds: Double?) async throws(CollabError) {
            try checkCancellation()
            // A file may say anything; a year is long enough.
            guard pace == .asRecorded, let seconds, seconds > 0 else { return }
            let left = .seconds(min(seconds, 31_536_000)) - (Run.now - start)
            if left > .zero { try await Run.sleep(for: left) }
        }
        for (index, piece) in pieces.enumerated() {
            // Where nobody took the time of the pieces they come at the end.
            let times = pieceSeconds ?? []
            try await wait(until: times.indices.contains(index) ? times[index] : seconds)
            await sink.send(piece)
        }
        try await wait(until: seconds)
        if let response {
            if pieces.isEmpty { await sink.send(response.text) }
            return response
        }
        let failure =
            failure ?? Cassette.Failure(code: "replayMiss", message: "The entry has no answer.")
        throw CollabError(
            CollabError.Code(failure.code),
            failure.message,
            cause: failure.traits.map(RecordedCall.init)
        )
    }
}

/// What a recorded failure knew about its call.
private struct RecordedCall: CallFailure, CustomStringConvertible {
    let traits: FailureTraits
    var description: String { "as recorded" }
}

/// Hands out the recorded calls of a cassette, each once, to the models that replay it.
public final class CassettePlayer: Sendable {
    private struct State {
        var remaining: [CallKey: [Int]] = [:]
    }

    private let entries: [Cassette.Entry]
    private let state: Protected<State>

    /// Makes a player over a cassette.
    public init(_ cassette: Cassette) {
        entries = cassette.entries
        var state = State()
        for (index, entry) in cassette.entries.enumerated().reversed() {
            state.remaining[CallKey(model: entry.model, request: entry.request), default: []].append(index)
        }
        self.state = Protected(state)
    }

    /// Makes a player over a cassette file.
    public convenience init(contentsOf path: String) throws(CollabError) {
        self.init(try Cassette(contentsOf: path))
    }

    /// The recorded calls that have not been asked for yet; empty after a faithful replay.
    public var unused: [Cassette.Entry] {
        state.withLock { state in
            state.remaining.values.flatMap { $0 }.sorted().map { entries[$0] }
        }
    }

    /// The next recording of a call; `nil` if there is none left.
    func recorded(_ key: CallKey) -> Cassette.Entry? {
        state.withLock { $0.remaining[key]?.popLast() }.map { entries[$0] }
    }

    func next(_ key: CallKey) throws(CollabError) -> Cassette.Entry {
        if let entry = recorded(key) { return entry }
        throw miss(key)
    }

    private func miss(_ key: CallKey) -> CollabError {
        var nearest: (distance: Double, index: Int)?
        for (index, entry) in entries.enumerated() {
            let distance = key.distance(to: CallKey(model: entry.model, request: entry.request))
            if distance < nearest?.distance ?? .infinity { nearest = (distance, index) }
        }
        guard let nearest else {
            return CollabError(
                .replayMiss,
                "The cassette is empty; “\(key.model)” was asked: “\(key.request.question)”."
            )
        }
        let entry = entries[nearest.index]
        let difference = key.difference(from: CallKey(model: entry.model, request: entry.request))
        return CollabError(
            .replayMiss,
            """
            “\(key.model)” was asked something that is not on the cassette. The nearest recorded call is number \
            \(nearest.index + 1) (“\(entry.model)”); it differs in \(difference). Record again if the change is meant.
            """
        )
    }
}
