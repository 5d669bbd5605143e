/// A planner splits the question, members answer the parts side by side, and one puts the answer together.
///
/// The graph behind least-to-most and plan-and-solve prompting, over a team; there is no canonical implementation. Parts go
/// to members in declaration order, again from the first where there are more. A plan that cannot be read leads to a direct
/// answer by whoever combines; a part whose member fails is left out, and reported.
///
/// Defaults: the first member plans at most four parts, the last one combines. Calls: 2 to 2 + parts.
public struct DivideAndConquer: Procedure {
    /// How many parts the question is split into at most.
    public var parts: Int
    /// Who splits it.
    public var planner: Appointment
    /// Who puts the answer together.
    public var combiner: Appointment
    /// How answers are read.
    public var rules: MeetingRules
    /// Asks for a plan; `#` stands for the most parts.
    public var asksForPlan =
        "Do not answer the question yet. Split it into at most # smaller questions that can be answered apart from each "
        + "other, as a numbered list."
    /// Asks for the answer to one part.
    public var asksForPart = "Answer only this part of the question."
    /// Asks for the whole answer.
    public var asksForCombination =
        "The parts of the question have been answered as shown. Put the whole answer together."

    /// Makes a division.
    public init(parts: Int = 4, planner: Appointment = .first, combiner: Appointment = .last) {
        self.parts = parts
        self.planner = planner
        self.combiner = combiner
        rules = MeetingRules()
    }

    /// What to call it in traces.
    public var name: String { "divide and conquer" }
    /// Whoever plans and combines.
    public var appointments: [Appointment] { [planner, combiner] }
    /// The plan, its parts, and the combination.
    public func calls(of members: Int) -> ClosedRange<Int> { 2...(2 + callCount(parts)) }

    /// Plans, answers the parts, combines.
    public func conclude(_ meeting: inout Meeting) async throws(CollabError) -> Conclusion {
        let (planner, combiner) = (try meeting.place(of: planner), try meeting.place(of: combiner))
        let plan = try await meeting.remark(
            "plan",
            .init(to: planner, meeting.showing([], asksForPlan, of: "\(parts)"))
        )
        let points = Meeting.points(in: plan.text, atMost: parts)
        Run.note("parts", points.isEmpty ? "the plan could not be read" : "\(points.count)")
        let workers = points.indices.map { $0 % meeting.members.count }
        var questions: [Meeting.Question] = []
        for (point, worker) in zip(points, workers) {
            let shown = meeting.showing([Exhibit("Part", point)], asksForPart)
            questions.append(.init(to: worker, shown, hearing: [planner]))
        }
        let solutions = try await meeting.remarks("parts", questions)
        var exhibits: [Exhibit] = []
        var heard: [Int] = []
        for (index, solution) in solutions.enumerated() {
            guard let solution else { continue }
            exhibits.append(Exhibit("#", meeting.excerpt(solution.text), of: [points[index]]))
            heard.append(workers[index])
        }
        return try await meeting.write(
            "combination",
            .init(
                to: combiner,
                exhibits.isEmpty ? meeting.request : meeting.showing(exhibits, asksForCombination),
                hearing: heard
            )
        )
    }
}
