extension ViewerTrack {
    /// The cache's tracks of which a packet may be sent next, or begin what is: others' packets mean nothing to it.
    var interest: TrackSet {
        // A set does not hold the others.
        guard encoding < 64, pending.map({ $0.track < 64 }) ?? true else { return .all }
        var interest = TrackSet()
        interest.insert(encoding)
        if let pending { interest.insert(pending.track) }
        return interest
    }
}
