/// Every member writes down what it knows about the question; one answers with all cards in view.
///
/// Feng et al. 2024, “Knowledge Card”: small models hold knowledge that the answering one lacks. Defaults: the last member
/// answers and writes a card, too. Deviation: cards are not filtered for relevance or by fact checking. Without any card
/// the answering member answers alone. Calls: n + 1, or one fewer if the answering member writes no card.
public struct KnowledgeCards: Procedure {
    /// Who answers.
    public var answerer: Appointment
    /// Whether the answering member writes a card of its own.
    public var includesAnswerer: Bool
    /// How answers are read.
    public var rules: MeetingRules
    /// Asks for a card.
    public var asksForKnowledge =
        "Do not answer the question. Write down what you know that helps to answer it, in a few sentences."
    /// Asks for the answer with cards in view.
    public var asksForAnswer = "Use what of this knowledge is right and relevant, and answer the question."

    /// Makes a round of cards.
    public init(answerer: Appointment = .last, includesAnswerer: Bool = true) {
        self.answerer = answerer
        self.includesAnswerer = includesAnswerer
        rules = MeetingRules()
    }

    /// What to call it in traces.
    public var name: String { "knowledge cards" }
    /// Whoever answers.
    public var appointments: [Appointment] { [answerer] }
    /// A card a member, and the answer.
    public func calls(of members: Int) -> ClosedRange<Int> {
        let cards = includesAnswerer || answerer.outsider != nil ? members : members - 1
        return (cards + 1)...(cards + 1)
    }

    /// Collects cards, and lets one member answer with them.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let answerer = try meeting.place(of: answerer)
        let writers = meeting.members.indices.filter { includesAnswerer || $0 != answerer }
        let request = meeting.showing([], asksForKnowledge)
        let cards = try await meeting.remarks("cards", writers.map { .init(to: $0, request) })
        let filled = zip(writers, cards).compactMap { writer, card in card.map { (writer, $0.text) } }
        Run.note("cards", filled.count)
        let shown = Exhibit.numbered("Knowledge", filled.map { meeting.excerpt($0.1) })
        return try await meeting.write(
            "answer",
            .init(
                to: answerer,
                shown.isEmpty ? meeting.request : meeting.showing(shown, asksForAnswer),
                hearing: filled.map(\.0)
            )
        )
    }
}
