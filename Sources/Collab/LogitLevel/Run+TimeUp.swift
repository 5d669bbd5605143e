extension Run {
    /// Whether the time of the run that is under way is up.
    static var isTimeUp: Bool {
        guard let run = current, let deadline = run.deadline else { return false }
        return run.elapsed >= deadline
    }
}
