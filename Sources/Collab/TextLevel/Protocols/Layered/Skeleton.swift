/// One member writes the outline of an answer, members write its points side by side, and the points are joined.
///
/// Ning et al. 2024, “Skeleton-of-Thought”: three to ten points of a few words, each expanded at once, which makes long
/// answers quick. Not for questions whose answer is one number. Points go to members in declaration order, again from the
/// first where there are more. A point whose member fails stays as it stands in the outline; an outline that cannot be read
/// leads to a direct answer by its author.
///
/// Defaults: the first member outlines at most eight points. Calls: 2 to 1 + points.
public struct Skeleton: Procedure {
    /// How many points the outline has at most.
    public var points: Int
    /// Who writes the outline.
    public var author: Appointment
    /// How answers are read.
    public var rules: MeetingRules
    /// Asks for an outline; `#` stands for the most points.
    public var asksForOutline =
        "Do not answer the question yet. Write the outline of an answer: a numbered list of at most # points of three to "
        + "five words each."
    /// Asks for one point to be written.
    public var asksForPoint = "Write this point of the outline, and no other, in one or two sentences."

    /// Makes a skeleton.
    public init(points: Int = 8, author: Appointment = .first) {
        self.points = points
        self.author = author
        rules = MeetingRules()
    }

    /// What to call it in traces.
    public var name: String { "skeleton" }
    /// Whoever writes the outline.
    public var appointments: [Appointment] { [author] }
    /// The outline and its points.
    public func calls(of members: Int) -> ClosedRange<Int> { 2...max(1 + callCount(points), 2) }

    /// Outlines, writes, joins.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let author = try meeting.place(of: author)
        let outline = try await meeting.remark(
            "outline",
            .init(to: author, meeting.showing([], asksForOutline, of: "\(points)"))
        )
        let points = Meeting.points(in: outline.text, atMost: points)
        guard !points.isEmpty else {
            Run.note("points", "the outline could not be read")
            return try await meeting.write("answer", .init(to: author, meeting.request))
        }
        Run.note("points", points.count)
        let list = points.enumerated().map { "\($0 + 1). \($1)" }.joined(separator: "\n")
        var questions: [Meeting.Question] = []
        for (index, point) in points.enumerated() {
            let request = meeting.showing(
                [Exhibit("Outline", "\n\(list)"), Exhibit("Point", "\(index + 1). \(point)")],
                asksForPoint
            )
            questions.append(.init(to: index % meeting.members.count, request, hearing: [author]))
        }
        let written = try await meeting.remarks("points", questions)
        let text = zip(points, written).enumerated()
            .map { "\($0 + 1). \($1.1?.text.trimmed ?? $1.0)" }
            .joined(separator: "\n")
        return Conclusion(Response(text: text, model: name))
    }
}
