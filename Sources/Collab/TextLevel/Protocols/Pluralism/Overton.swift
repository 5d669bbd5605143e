/// Every member says how it sees the question, and a writer puts all reasonable views side by side, each with who holds it.
///
/// Sorensen et al. 2024, “A Roadmap to Pluralistic Alignment” (Overton pluralism) and Feng et al. 2024, “Modular Pluralism”:
/// members are models of different communities, whose comments a writer summarises. There is no vote, and no view is dropped
/// for being rare. Defaults: the last member writes. Perspectives may be given as standing instructions, in declaration
/// order, again from the first where there are more members. Calls: n + 1.
public struct Overton: Procedure {
    /// Whose eyes the members see with; empty: their own.
    public var perspectives: [String]
    /// Who writes.
    public var writer: Appointment
    /// Whether views carry their members' names.
    public var namesMembers: Bool
    /// How answers are read, and who must answer.
    public var rules: MeetingRules
    /// Asks for a view.
    public var asksForView = "Say in a few sentences how you see this question, and why."
    /// Asks for the synthesis.
    public var asksForSynthesis =
        "Present all of these views that a reasonable person could hold, each with who holds it. Do not decide between them."

    /// Makes a synthesis of views.
    public init(perspectives: [String] = [], writer: Appointment = .last, namesMembers: Bool = true) {
        self.perspectives = perspectives
        self.writer = writer
        self.namesMembers = namesMembers
        rules = MeetingRules()
    }

    /// What to call it in traces.
    public var name: String { "overton" }
    /// The writer.
    public var appointments: [Appointment] { [writer] }
    /// A view a member, and the synthesis.
    public func calls(of members: Int) -> ClosedRange<Int> { (members + 1)...(members + 1) }

    /// Collects views, and lets one writer present them.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let writer = try meeting.place(of: writer)
        let request = meeting.showing([], asksForView)
        let questions = meeting.members.indices.map { place in
            let asked =
                perspectives.isEmpty ? request : request.instructed(perspectives[place % perspectives.count])
            return Meeting.Question(to: place, asked)
        }
        let views = try await meeting.answers("views", questions).compactMap { $0 }
        let shown = meeting.exhibits(of: views, label: "View", named: namesMembers)
        return try await meeting.write(
            "synthesis",
            .init(to: writer, meeting.showing(shown, asksForSynthesis), hearing: views.map(\.member))
        )
    }
}
