/// What flows through a pipeline: the request, the team, what its members have said, and, once settled, the answer.
public struct Deliberation<Access: AccessLevel>: Sendable {
    /// What is asked.
    public let request: Request
    /// The team that works on it; a route or merge may replace it.
    public var team: Team<Access>
    /// What members have answered so far, in the order in which it became known.
    public var drafts: [Draft]
    /// The draft that the latest stage thinks best; the pipeline answers with it if nothing settles.
    public var leading: Draft?
    /// The settled answer; `nil` while the question is open.
    public private(set) var answer: Response?
    /// Where the text of the final answer goes while it is being written.
    public let sink: ResponseSink

    /// Begins a deliberation.
    public init(request: Request, team: Team<Access>, sink: ResponseSink = .discarding) {
        self.request = request
        self.team = team
        self.drafts = []
        self.sink = sink
    }

    /// Whether an answer has been settled; later stages are then skipped.
    public var isSettled: Bool { answer != nil }

    /// Settles on an answer whose text has not been sent to the sink yet, and sends it.
    public mutating func settle(on response: Response) async {
        await sink.send(response.text)
        answer = response
    }

    /// Settles on an answer that has been written into the sink while it came about.
    public mutating func settle(onStreamed response: Response) {
        answer = response
    }

    /// The draft to fall back on: the leading one, else the one with the highest measured confidence (ties: the
    /// earliest), else the latest.
    public var bestDraft: Draft? {
        if let leading { return leading }
        var best: Draft?
        for draft in drafts {
            if let confidence = draft.confidence, confidence > best?.confidence ?? -.infinity { best = draft }
        }
        return best ?? drafts.last
    }
}

/// An answer that a member proposed.
public struct Draft: Sendable {
    /// Who proposed it.
    public var author: String
    /// The answer.
    public var response: Response
    /// How sure the author is, between 0 and 1; `nil` if that was not measured.
    public var confidence: Double?
    /// The stage and round it comes from.
    public var origin: String

    /// Makes a draft.
    public init(author: String, response: Response, confidence: Double? = nil, origin: String) {
        self.author = author
        self.response = response
        self.confidence = confidence
        self.origin = origin
    }

    /// The text of the answer.
    public var text: String { response.text }
}
