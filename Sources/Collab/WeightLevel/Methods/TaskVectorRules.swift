/// How a thinned task vector is scaled, so that what was removed is made up for.
public enum TaskRescaling: String, Hashable, Sendable, Codable {
    /// Not at all.
    case none
    /// By Σ|d| before over Σ|d| after, one number a tensor and member (mergekit); not where either is below 1e-7.
    case l1
    /// By one over the density (the DARE paper).
    case inverseDensity
}

/// How a sign is elected where task vectors disagree.
public enum SignVote: String, Hashable, Sendable, Codable {
    /// The sign of Σ wᵢ dᵢ: a negative weight turns a member's vote round (mergekit).
    case weighted
    /// The sign of Σ dᵢ, whatever the weights (the TIES paper, PEFT's “total”).
    case sum
    /// The sign that more members have (PEFT's “frequency”).
    case count
}

/// How the task vectors that agree with the elected sign are combined.
public enum SignCombination: String, Hashable, Sendable, Codable {
    /// Σ w d.
    case sum
    /// Σ w d / Σ w over those that agree (mergekit's `normalize`); a sum of 0 counts as 1.
    case weightedMean
    /// Σ w d over how many agree (the TIES paper's disjoint mean, PEFT).
    case mean
}
